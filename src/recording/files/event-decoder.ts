import { makeColumns } from '../../model/finished-columns.ts';
import type { KnownBefore } from '../../model/known-before.ts';
import {
  type FinishedColumns,
  GAP_REASONS,
  LINK_STATES,
  type RunningTask,
  type SourceEvent,
  type SourceSink,
  STRING_TABLES,
  type StringTableName,
  type TaskError,
  type TickEvent,
  type WorkerInfo,
  type WorkerSample,
} from '../../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES, STATE_COUNT } from '../../model/task-state.ts';
import { MOST_HELD } from './blocks.ts';
import { joinColumns, LINK_COLUMNS, SLICE_COLUMNS, TASK_COLUMNS } from './columns.ts';
import { COST, COUNTS, METRICS, TOTALS } from './event-encoder.ts';
import { checkManifest } from './format.ts';

type Json = Readonly<Record<string, unknown>>;

/** What was known when a file began. */
export interface State {
  /** True: another process began here; what was known before it is void. */
  readonly session: boolean;
  readonly events: readonly SourceEvent[];
  /** Absent where a recorder did not say. */
  readonly before?: KnownBefore;
}

/**
 * Blocks → source events whose indices are those of a sink. What a file says is checked: a recording may come from anybody. Throws
 * {@link RecordingError} for what no recorder writes.
 */
export class EventDecoder {
  readonly #intern: SourceSink['intern'];
  readonly #tables: Record<StringTableName, number[]> = { function: [0], group: [0], worker: [0], type: [0] };
  /** Bytes of the finished tasks that wait for their event. */
  #held = 0;

  constructor(intern: SourceSink['intern']) {
    this.#intern = intern;
  }

  strings(payload: Buffer): void {
    const tables = object(parse(payload));
    for (const table of STRING_TABLES) {
      if (tables[table] === undefined) continue;
      for (const value of array(tables[table])) this.#tables[table].push(this.#intern(table, text(value)));
    }
  }

  /** `finished`: the columns that came before it; null: the event without its tasks. */
  event(payload: Buffer, finished: readonly FinishedColumns[] | null): SourceEvent {
    this.#held = 0;
    return this.#event(object(parse(payload)), finished);
  }

  state(payload: Buffer): State {
    const { session, events, before } = object(parse(payload));
    return {
      session: session === true,
      events: array(events).map((event) => this.#event(object(event), [])),
      ...(before !== undefined && { before: this.#before(object(before)) }),
    };
  }

  finished(payload: Buffer): FinishedColumns {
    if (payload.length < 8) return broken('columns end early');
    this.#held += payload.length;
    if (this.#held > MOST_HELD) return broken('more tasks than an event can have');
    const length = payload.readUInt32LE(0);
    const slices = payload.readUInt32LE(4);
    // Before anything is allocated: a task takes 39 bytes here and a startstop 21.
    if (length * 39 + slices * 21 + 8 > payload.length) return broken('columns end early');
    const columns = makeColumns(length, slices, false);
    let at = 8;
    const take = (bytes: number): Buffer => {
      if (at + bytes > payload.length) return broken('columns end early');
      at += bytes;
      return payload.subarray(at - bytes, at);
    };
    for (const name of [...TASK_COLUMNS, ...SLICE_COLUMNS]) {
      const column = columns[name];
      new Uint8Array(column.buffer).set(take(column.byteLength));
    }
    const lengths = new Uint32Array(length);
    new Uint8Array(lengths.buffer).set(take(lengths.byteLength));
    for (let row = 0; row < length; row++) columns.keys[row] = take(lengths[row]!).toString('utf8');
    for (const item of array(parse(payload.subarray(at)))) {
      const [row, error] = array(item);
      const { exception, traceback } = object(error);
      if (!(Number.isInteger(row) && (row as number) >= 0 && (row as number) < length)) broken('an error of no task');
      columns.errors.set(row as number, { exception: text(exception), traceback: text(traceback) } satisfies TaskError);
    }
    if (columns.startstops.reduce((sum, count) => sum + count, 0) !== slices) return broken('startstops of no task');
    if (columns.action.some((action) => action >= ACTIONS.length)) return broken('an unknown action');
    if (columns.status.some((status) => status >= RECORD_STATUSES.length - 1)) return broken('an unknown status');
    this.#mapAll('function', columns.fn);
    this.#mapAll('group', columns.group);
    this.#mapAll('worker', columns.worker);
    this.#mapAll('type', columns.type);
    this.#mapAll('worker', columns.origin);
    return columns;
  }

  /** `finished`: the columns of the block before. Returns them with what their tasks waited for. */
  links(payload: Buffer, finished: FinishedColumns | undefined): FinishedColumns {
    if (finished === undefined) return broken('dependencies of no task');
    if (payload.length < 8 || payload.readUInt32LE(0) !== finished.length) return broken('dependencies of other tasks');
    const { length } = finished;
    const count = payload.readUInt32LE(4);
    if (length * 14 + count * 4 + 8 !== payload.length) return broken('dependencies end early');
    const { ready, needs, dependencies, back } = makeColumns(length, 0, false, count);
    const links = { ready, needs, dependencies, back };
    let at = 8;
    for (const name of [...LINK_COLUMNS, 'back'] as const) {
      const column = links[name];
      new Uint8Array(column.buffer).set(payload.subarray(at, at + column.byteLength));
      at += column.byteLength;
    }
    return { ...finished, ...checkLinks(links) };
  }

  #mapAll(table: StringTableName, column: Uint32Array): void {
    const known = this.#tables[table];
    for (let i = 0; i < column.length; i++) column[i] = known[column[i]!] ?? broken(`an unknown ${table}`);
  }

  #index(table: StringTableName, local: unknown): number {
    return this.#tables[table][number(local)] ?? broken(`an unknown ${table}`);
  }

  #event(value: Json, finished: readonly FinishedColumns[] | null): SourceEvent {
    const { kind } = value;
    if (kind !== 'tick' && finished !== null && finished.length > 0) return broken('tasks without a tick');
    switch (kind) {
      case 'cluster': {
        const time = number(value.time);
        const cluster = checkManifest({ ...value, since: time });
        if (cluster === null) return broken('a cluster without a description');
        const { engine, address, id, version, started, mode } = cluster;
        return { kind, time, engine, address, id, version, started, mode, services: services(value.services) };
      }
      case 'link':
        return {
          kind,
          state: LINK_STATES.find((state) => state === value.state) ?? broken('an unknown link'),
          time: number(value.time),
          reason: text(value.reason),
        };
      case 'gap':
        return {
          kind,
          since: number(value.since),
          until: number(value.until),
          size: value.size === null ? null : number(value.size),
          reason: GAP_REASONS.find((reason) => reason === value.reason) ?? broken('an unknown gap'),
        };
      case 'tick':
        return this.#tick(value, finished);
      default:
        return broken('an unknown event');
    }
  }

  #tick(value: Json, parts: readonly FinishedColumns[] | null): TickEvent {
    const { running, functions, workers, totals, cost, log } = value;
    const rows = parts?.reduce((sum, part) => sum + part.length, 0);
    if (rows !== undefined && rows !== (value.finished ?? 0)) return broken('a tick with other tasks than it says');
    const time = number(value.time);
    if (!(time > 0)) return broken('a tick without a time');
    return {
      kind: 'tick',
      time,
      ...(value.finished !== undefined &&
        parts !== null && {
          finished: { ...(rows === 0 ? makeColumns(0, 0, false) : joinColumns(parts)), past: value.past === true },
        }),
      ...(running !== undefined && { running: this.#running(object(running)) }),
      ...(functions !== undefined && { functions: this.#functions(object(functions)) }),
      ...(workers !== undefined && { workers: this.#workers(object(workers)) }),
      ...(totals !== undefined && { totals: record(TOTALS, totals) }),
      ...(cost !== undefined && { cost: record(COST, cost) }),
      ...(log !== undefined && {
        log: array(log).map((item) => {
          const entry = object(item);
          return { time: number(entry.time), topic: text(entry.topic), text: text(entry.text) };
        }),
      }),
    };
  }

  #running({ reset, started, ended }: Json): NonNullable<TickEvent['running']> {
    return {
      reset: reset === true,
      started: array(started).map((item): RunningTask => {
        const [key, fn, worker, start] = array(item);
        return {
          key: text(key),
          fn: this.#index('function', fn),
          worker: this.#index('worker', worker),
          start: number(start),
        };
      }),
      ended: array(ended).map(text),
    };
  }

  #functions({ fn, states, forgotten, nbytes }: Json): NonNullable<TickEvent['functions']> {
    const functions = {
      fn: Uint32Array.from(array(fn), (index) => this.#index('function', index)),
      states: Uint32Array.from(array(states), number),
      forgotten: Float64Array.from(array(forgotten), number),
      nbytes: Float64Array.from(array(nbytes), number),
    };
    const { length } = functions.fn;
    const same = functions.forgotten.length === length && functions.nbytes.length === length;
    if (!same || functions.states.length !== length * STATE_COUNT) return broken('counts of no function');
    return functions;
  }

  #workers({ added, removed, samples }: Json): NonNullable<TickEvent['workers']> {
    return {
      ...(added !== undefined && { added: array(added).map((item) => this.#info(object(item))) }),
      ...(removed !== undefined && { removed: array(removed).map((index) => this.#index('worker', index)) }),
      ...(samples !== undefined && { samples: array(samples).map((item) => this.#sample(object(item))) }),
    };
  }

  #before({ records, lost, past, runs, baseline, gone, pace }: Json): KnownBefore {
    return {
      records: number(records),
      lost: number(lost),
      past: number(past),
      runs: array(runs).map((item) => {
        const run = object(item);
        return {
          start: number(run.start),
          stop: number(run.stop),
          records: number(run.records),
          erred: number(run.erred),
          cluster: text(run.cluster),
        };
      }),
      baseline: array(baseline).map((item) => {
        const [fn, forgotten] = array(item);
        return [this.#index('function', fn), number(forgotten)] as const;
      }),
      gone: array(gone).map((item) => {
        const { info, since, sample } = object(item);
        return { info: this.#info(object(info)), since: number(since), sample: this.#sample(object(sample)) };
      }),
      pace: array(pace).map((item) => {
        const [time, tasks] = array(item);
        return [number(time), number(tasks)] as const;
      }),
    };
  }

  #info(value: Json): WorkerInfo {
    return {
      worker: this.#index('worker', value.worker),
      address: text(value.address),
      name: text(value.name),
      host: text(value.host),
      nthreads: number(value.nthreads),
      memoryLimit: number(value.memoryLimit),
      version: text(value.version),
      services: services(value.services),
      nanny: text(value.nanny),
      pid: number(value.pid),
      localDirectory: text(value.localDirectory),
    };
  }

  #sample({ worker, status, counts, metrics }: Json): WorkerSample {
    return {
      worker: this.#index('worker', worker),
      ...(status !== undefined && { status: text(status) }),
      ...(counts !== undefined && { counts: record(COUNTS, counts) }),
      ...(metrics !== undefined && { metrics: record(METRICS, metrics) }),
    };
  }
}

/** What a block says is none of what a recorder writes. Its reader knows the file and the place. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

type Links = Pick<FinishedColumns, 'ready' | 'needs' | 'dependencies' | 'back'>;

/** @throws RecordingError for dependencies that are not before their task. */
export function checkLinks(links: Links): Links {
  const { dependencies, back } = links;
  if (dependencies.reduce((sum, count) => sum + count, 0) !== back.length) return broken('dependencies of no task');
  return back.includes(0) ? broken('a task that depends on itself') : links;
}

function broken(what: string): never {
  throw new RecordingError(what);
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return broken('no JSON');
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : broken('no object');
}

function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : broken('no list');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : broken('no text');
}

/** JSON has no NaN: what is not known is null. */
function number(value: unknown): number {
  if (value === null) return Number.NaN;
  return typeof value === 'number' ? value : broken('no number');
}

function record<K extends string>(names: readonly K[], values: unknown): Record<K, number> {
  const list = array(values);
  const made = {} as Record<K, number>;
  for (let i = 0; i < names.length; i++) made[names[i]!] = number(list[i] ?? null);
  return made;
}

function services(value: unknown): Record<string, number> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, port]) => [name, number(port)]));
}
