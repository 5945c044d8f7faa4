import { encodeUtf8Into } from '../../base/utf8.ts';
import type { KnownBefore } from '../../model/known-before.ts';
import type {
  FinishedColumns,
  RunningTask,
  SourceEvent,
  StringTableName,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../../model/source-event.ts';
import type { StringIndex } from '../../model/units.ts';
import { BLOCK, encodeBlock } from './blocks.ts';
import { ColumnCutter, LINK_COLUMNS, SLICE_COLUMNS, TASK_COLUMNS } from './columns.ts';

/** The readings of a worker, in the order in which they are written. */
export const METRICS = [
  'lastSeen',
  'cpu',
  'process',
  'managed',
  'unmanagedOld',
  'unmanagedRecent',
  'spilled',
  'networkRead',
  'networkWrite',
  'diskRead',
  'diskWrite',
  'fds',
  'eventLoopInterval',
  'latency',
] as const satisfies readonly (keyof NonNullable<WorkerSample['metrics']>)[];
export const COUNTS = [
  'processing',
  'inMemory',
  'executing',
  'occupancy',
  'nbytes',
] as const satisfies readonly (keyof NonNullable<WorkerSample['counts']>)[];
export const TOTALS = [
  'clients',
  'idle',
  'saturated',
  'occupancy',
  'cpu',
  'memory',
] as const satisfies readonly (keyof NonNullable<TickEvent['totals']>)[];
export const COST = ['share', 'perTask', 'loopLag'] as const satisfies readonly (keyof NonNullable<
  TickEvent['cost']
>)[];

/** Rows of finished tasks in one block. */
const ROWS_A_BLOCK = 16_384;
/** A key is cut here; Dask's own are a tenth of it. */
const LONGEST_KEY = 65_536;

/**
 * Source events → blocks. Every file has string tables of its own, written before they are used, so that it can be read without the
 * files before it. Indices in files count from 1; 0 is the empty string.
 */
export class EventEncoder {
  readonly #textOf: (table: StringTableName, index: StringIndex) => string;
  readonly #local: Record<StringTableName, number[]> = { function: [], group: [], worker: [], type: [] };
  readonly #next: Record<StringTableName, number> = { function: 1, group: 1, worker: 1, type: 1 };
  #fresh: Partial<Record<StringTableName, string[]>> = {};

  /** `textOf` gives the string of an index of the events. */
  constructor(textOf: (table: StringTableName, index: StringIndex) => string) {
    this.#textOf = textOf;
  }

  /** Puts strings into the tables in the order in which they first appeared: it is the order of colours. */
  announce(table: StringTableName, index: StringIndex): void {
    this.#index(table, index);
  }

  encode(event: SourceEvent): Buffer[] {
    if (event.kind !== 'tick') return this.#withStrings(json(BLOCK.event, event));
    const { finished } = event;
    const blocks: Buffer[] = [];
    if (finished !== undefined) {
      const cutter = new ColumnCutter(finished);
      while (cutter.left > 0) {
        const part: FinishedColumns = finished.length <= ROWS_A_BLOCK ? finished : cutter.next(ROWS_A_BLOCK);
        blocks.push(encodeBlock(BLOCK.finished, this.#finished(part)));
        if (hasLinks(part)) blocks.push(encodeBlock(BLOCK.links, links(part)));
        if (part === finished) break;
      }
    }
    blocks.push(json(BLOCK.event, this.#tick(event)));
    return this.#withStrings(...blocks);
  }

  /** What was known when a file begins, as events that say it. */
  encodeState(events: readonly SourceEvent[], session: boolean, before: KnownBefore | null = null): Buffer[] {
    const state = {
      session,
      events: events.map((event) => (event.kind === 'tick' ? this.#tick(event) : event)),
      ...(before && { before: this.#before(before) }),
    };
    return this.#withStrings(json(BLOCK.state, state));
  }

  #before({ baseline, gone, ...before }: KnownBefore): object {
    return {
      ...before,
      baseline: baseline.map(([fn, forgotten]) => [this.#index('function', fn), forgotten]),
      gone: gone.map(({ info, since, sample }) => ({ info: this.#info(info), since, sample: this.#sample(sample) })),
    };
  }

  #withStrings(...blocks: Buffer[]): Buffer[] {
    if (Object.keys(this.#fresh).length === 0) return blocks;
    const strings = json(BLOCK.strings, this.#fresh);
    this.#fresh = {};
    return [strings, ...blocks];
  }

  #index(table: StringTableName, index: StringIndex): number {
    if (index === 0) return 0;
    const known = this.#local[table][index];
    if (known !== undefined) return known;
    const local = this.#next[table]++;
    this.#local[table][index] = local;
    this.#fresh[table] ??= [];
    this.#fresh[table].push(this.#textOf(table, index));
    return local;
  }

  #tick({ kind, time, running, functions, workers, totals, cost, log, finished }: TickEvent): object {
    return {
      kind,
      time,
      ...(finished && { finished: finished.length, past: finished.past }),
      ...(running && {
        running: {
          reset: running.reset,
          started: running.started.map((task) => this.#running(task)),
          ended: running.ended,
        },
      }),
      ...(functions && {
        functions: {
          fn: Array.from(functions.fn, (fn) => this.#index('function', fn)),
          states: Array.from(functions.states),
          forgotten: Array.from(functions.forgotten),
          nbytes: Array.from(functions.nbytes),
        },
      }),
      ...(workers && {
        workers: {
          ...(workers.added && { added: workers.added.map((info) => this.#info(info)) }),
          ...(workers.removed && { removed: workers.removed.map((worker) => this.#index('worker', worker)) }),
          ...(workers.samples && { samples: workers.samples.map((sample) => this.#sample(sample)) }),
        },
      }),
      ...(totals && { totals: TOTALS.map((name) => totals[name]) }),
      ...(cost && { cost: COST.map((name) => cost[name]) }),
      ...(log && { log }),
    };
  }

  #running({ key, fn, worker, start }: RunningTask): unknown[] {
    return [key, this.#index('function', fn), this.#index('worker', worker), start];
  }

  #info(info: WorkerInfo): object {
    return { ...info, worker: this.#index('worker', info.worker) };
  }

  #sample({ worker, status, counts, metrics }: WorkerSample): object {
    return {
      worker: this.#index('worker', worker),
      ...(status !== undefined && { status }),
      ...(counts && { counts: COUNTS.map((name) => counts[name]) }),
      ...(metrics && { metrics: METRICS.map((name) => metrics[name]) }),
    };
  }

  /** Length and startstops (u32 each), the columns in the order of their names in `columns.ts`, lengths of keys, keys, errors as JSON. */
  #finished(columns: FinishedColumns): Buffer {
    const { length, action } = columns;
    const mapped: FinishedColumns = {
      ...columns,
      fn: columns.fn.map((index) => this.#index('function', index)),
      group: columns.group.map((index) => this.#index('group', index)),
      worker: columns.worker.map((index) => this.#index('worker', index)),
      type: columns.type.map((index) => this.#index('type', index)),
      origin: columns.origin.map((index) => this.#index('worker', index)),
    };
    const lengths = new Uint32Array(length);
    let most = 0;
    for (const key of columns.keys) most += 3 * Math.min(key.length, LONGEST_KEY);
    const texts = new Uint8Array(most);
    let used = 0;
    columns.keys.forEach((key, row) => {
      const written = encodeUtf8Into(key.length > LONGEST_KEY ? key.slice(0, LONGEST_KEY) : key, texts.subarray(used));
      lengths[row] = written;
      used += written;
    });
    const parts: ArrayBufferView[] = [Uint32Array.of(length, action.length)];
    for (const name of TASK_COLUMNS) parts.push(mapped[name]);
    for (const name of SLICE_COLUMNS) parts.push(mapped[name]);
    parts.push(lengths, texts.subarray(0, used), Buffer.from(JSON.stringify([...columns.errors])));
    return joined(parts);
  }
}

/** False: nothing is known of what these tasks waited for. */
function hasLinks({ ready, needs }: FinishedColumns): boolean {
  return ready.some((time) => !Number.isNaN(time)) || needs.some((count) => count > 0);
}

/** Length and dependencies (u32 each), the columns in the order of their names in `columns.ts`, and how far back each dependency is. */
function links(columns: FinishedColumns): Buffer {
  const { length, back } = columns;
  return joined([Uint32Array.of(length, back.length), ...LINK_COLUMNS.map((name) => columns[name]), back]);
}

function joined(parts: readonly ArrayBufferView[]): Buffer {
  return Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
}

function json(type: number, value: unknown): Buffer {
  return encodeBlock(type, Buffer.from(JSON.stringify(value)));
}
