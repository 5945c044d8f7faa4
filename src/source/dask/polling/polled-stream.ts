import type { FinishedTask } from '../../../model/finished-task.ts';
import { ACTION_INDEX, type Action } from '../../../model/task-state.ts';
import type { DaskValue } from '../comm/message.ts';
import { isRecord } from '../comm/msgpack.ts';
import { keySplit, keySplitGroup, keyText } from '../python-key.ts';

/** Records from before our time that are asked for. */
const PAST = 10_000;
/** Stop times come in no order: so much before the last one is asked for again. */
const OVERLAP_S = 3;
const MAX_KEY = 4_096;
const MAX_TEXT = 10_000;

/** What one reply of `get_task_stream` told. */
export interface PolledTasks {
  /** Not told before. */
  readonly tasks: readonly FinishedTask[];
  /** Finished tasks that the scheduler no longer had; null: some, nobody knows how many. */
  readonly missed: number | null;
}

/**
 * Reads Dask's own record of finished tasks bit by bit: `get_task_stream`. Its first call installs that record for good.
 *
 * Since 2026.6.0 records are asked for by their position. Before, by time: what ended within 3 s of the newest one
 * known is asked for again, and those seen before are left out.
 */
export class PolledStream {
  readonly #byIndex: boolean;
  /** When a record seen before ended, by what tells records apart. */
  #seen = new Map<string, number>();
  #lastStop = Number.NEGATIVE_INFINITY;
  #newest: string | undefined;
  /** Of the first record not seen. */
  #next = 0;
  /** Positions that a full reply did not reach back to: how many of those it did hold, the next reply tells. */
  #overflow: { readonly span: number; readonly got: number } | undefined;
  begun = false;

  constructor(byIndex: boolean) {
    this.#byIndex = byIndex;
  }

  get byIndex(): boolean {
    return this.#byIndex;
  }

  /** Arguments of the next call. */
  request(): { readonly count: number } | { readonly start_index: number } | { readonly start?: number } {
    if (!this.begun) return { count: PAST };
    if (this.#byIndex) return { start_index: this.#next };
    return this.#lastStop === Number.NEGATIVE_INFINITY ? {} : { start: this.#lastStop - OVERLAP_S };
  }

  /** The first reply: what is from before our time. `index` is the length of the record before that call. */
  begin(reply: DaskValue, index: number): readonly FinishedTask[] {
    this.begun = true;
    this.#next = index;
    return this.#fresh(records(reply)).tasks;
  }

  /** A later reply. `index` as in {@link begin}. */
  read(reply: DaskValue, index: number): PolledTasks {
    const all = records(reply);
    const newest = this.#newest;
    const { tasks, again } = this.#fresh(all);
    let missed: number | null = 0;
    if (this.#byIndex) {
      if (this.#overflow) {
        const { span, got } = this.#overflow;
        missed = Math.max(0, span - (got - again));
        this.#overflow = undefined;
      }
      const span = index - this.#next;
      if (all.length < span) {
        this.#overflow = { span, got: all.length };
        this.#next = index;
      } else this.#next += all.length;
    } else if (newest !== undefined && !all.some((record) => identity(record) === newest)) {
      // It was asked for too: the record has run over since.
      missed = null;
    }
    return { tasks, missed };
  }

  #fresh(all: readonly Raw[]): { tasks: FinishedTask[]; again: number } {
    const tasks: FinishedTask[] = [];
    let again = 0;
    for (const raw of all) {
      const id = identity(raw);
      if (this.#seen.has(id)) {
        again++;
        continue;
      }
      const stop = stopOf(raw);
      this.#seen.set(id, stop);
      if (stop >= this.#lastStop) {
        this.#lastStop = stop;
        this.#newest = id;
      }
      tasks.push(finishedTask(raw));
    }
    this.#forget();
    return { tasks, again };
  }

  /** Those that no request can bring again. By position nothing comes twice but what an overflow leaves. */
  #forget(): void {
    if (this.#seen.size < 2 * PAST) return;
    const least = this.#lastStop - 2 * OVERLAP_S;
    const kept = [...this.#seen].filter(([, stop]) => stop >= least);
    this.#seen = new Map(kept);
  }
}

type Raw = { readonly [key: string]: DaskValue };

function records(reply: DaskValue): readonly Raw[] {
  return Array.isArray(reply) ? reply.filter((item): item is Raw => isRecord(item)) : [];
}

function identity(raw: Raw): string {
  return `${stopOf(raw)} ${String(raw.worker)} ${keyText(raw.key ?? null)}`;
}

function startstops(raw: Raw): Raw[] {
  return Array.isArray(raw.startstops) ? raw.startstops.filter((item): item is Raw => isRecord(item)) : [];
}

function stopOf(raw: Raw): number {
  return startstops(raw).reduce((last, { stop }) => Math.max(last, time(stop)), 0);
}

function finishedTask(raw: Raw): FinishedTask {
  const key = raw.key ?? null;
  const erred = raw.status === 'error' || raw.exception_text !== undefined;
  return {
    key: cut(keyText(key)),
    prefix: cut(keySplit(key)),
    group: cut(keySplitGroup(key)),
    worker: text(raw.worker, MAX_KEY),
    thread: typeof raw.thread === 'number' ? raw.thread : 0,
    type: erred ? '' : text(raw.typename, MAX_KEY),
    status: erred ? 'erred' : 'memory',
    nbytes: typeof raw.nbytes === 'number' && !erred ? raw.nbytes : 0,
    startstops: startstops(raw)
      .slice(0, 65_535)
      .map(({ action, start, stop, source }) => ({
        // As with the agent's records: one that is not known here kept a thread busy.
        action: typeof action === 'string' && Object.hasOwn(ACTION_INDEX, action) ? (action as Action) : 'compute',
        start: time(start),
        stop: time(stop),
        ...(typeof source === 'string' && { source }),
      })),
    ...(erred && {
      error: { exception: text(raw.exception_text, MAX_TEXT), traceback: text(raw.traceback_text, MAX_TEXT) },
    }),
  };
}

/** Nothing but a time in seconds becomes one: all clocks go by it. */
function time(value: DaskValue | undefined): number {
  return typeof value === 'number' && value > 0 && value < 1e11 ? value : 0;
}

function text(value: DaskValue | undefined, most: number): string {
  return typeof value === 'string' ? value.slice(0, most) : '';
}

/** As our agent does it. */
function cut(key: string): string {
  return key.length > MAX_KEY ? `${key.slice(0, MAX_KEY - 1)}…` : key;
}
