import type { FinishedColumns, SourceEvent, StringTableName } from '../model/source-event.ts';
import { ACTION_INDEX, STATUS_ERRED } from '../model/task-state.ts';
import type { Bytes, Duration, Seconds } from '../model/units.ts';
import { RunList, type RunSummary } from './run-list.ts';

/** What one sealed segment holds; written into both of its files. */
export interface Summary {
  readonly number: number;
  readonly tasks: number;
  readonly erred: number;
  /** First start and last stop of its tasks; null without tasks. */
  readonly start: Seconds | null;
  readonly stop: Seconds | null;
  /** Times of its first and last tick; null without ticks. */
  readonly firstTick: Seconds | null;
  readonly lastTick: Seconds | null;
  readonly functions: readonly FunctionSummary[];
  /** Workers on which tasks finished. */
  readonly workers: readonly string[];
  /** Bursts of activity, ended by more than ten seconds without a task. Absent in files of before it was written. */
  readonly runs?: readonly RunSummary[];
  /** Tasks that are known to have been missed, and gaps of which nobody knows the size. */
  readonly missed: number;
  readonly unknownGaps: number;
}

export interface FunctionSummary {
  readonly name: string;
  readonly tasks: number;
  readonly erred: number;
  /** Sums over its tasks. */
  readonly compute: Duration;
  readonly transfer: Duration;
  readonly other: Duration;
  readonly nbytes: Bytes;
  readonly longest: Duration;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds up what passes. */
export class SummaryBuilder {
  readonly #textOf: (table: StringTableName, index: number) => string;
  readonly #functions = new Map<number, Mutable<Omit<FunctionSummary, 'name'>>>();
  readonly #workers = new Set<number>();
  readonly #runs = new RunList();
  #knownUntil: Seconds = 0;
  #tasks = 0;
  #erred = 0;
  #missed = 0;
  #unknownGaps = 0;
  #start = Number.POSITIVE_INFINITY;
  #stop = Number.NEGATIVE_INFINITY;
  #firstTick: Seconds | null = null;
  #lastTick: Seconds | null = null;

  constructor(textOf: (table: StringTableName, index: number) => string) {
    this.#textOf = textOf;
  }

  /** Another process goes on: tasks of the scheduler's own buffer that had finished by `knownUntil` are in an earlier segment. */
  beginSession(knownUntil: Seconds): void {
    this.#knownUntil = knownUntil;
  }

  add(event: SourceEvent): void {
    if (event.kind === 'gap') {
      if (event.size === null) this.#unknownGaps++;
      else this.#missed += event.size;
    }
    if (event.kind !== 'tick') return;
    this.#firstTick ??= event.time;
    this.#lastTick = event.time;
    if (event.finished !== undefined) this.#finished(event.finished);
  }

  result(number: number): Summary {
    const some = this.#start <= this.#stop;
    const functions = [...this.#functions].map(([fn, sums]) => ({ name: this.#textOf('function', fn), ...sums }));
    return {
      number,
      tasks: this.#tasks,
      erred: this.#erred,
      start: some ? this.#start : null,
      stop: some ? this.#stop : null,
      firstTick: this.#firstTick,
      lastTick: this.#lastTick,
      functions: functions.sort((a, b) => b.tasks - a.tasks),
      workers: [...this.#workers].map((worker) => this.#textOf('worker', worker)),
      runs: this.#runs.runs,
      missed: this.#missed,
      unknownGaps: this.#unknownGaps,
    };
  }

  #finished(columns: FinishedColumns): void {
    let slice = 0;
    for (let row = 0; row < columns.length; row++) {
      const end = slice + columns.startstops[row]!;
      if (columns.past && this.#knownUntil > 0 && this.#isKnown(columns, slice, end)) {
        slice = end;
        continue;
      }
      const sums = this.#sumsOf(columns.fn[row]!);
      const erred = columns.status[row] === STATUS_ERRED ? 1 : 0;
      let first = Number.POSITIVE_INFINITY;
      let last = Number.NEGATIVE_INFINITY;
      this.#workers.add(columns.worker[row]!);
      this.#tasks++;
      this.#erred += erred;
      sums.tasks++;
      sums.erred += erred;
      sums.nbytes += columns.nbytes[row]! || 0;
      for (; slice < end; slice++) {
        const start = columns.start[slice]!;
        const stop = columns.stop[slice]!;
        if (!(start > 0 && stop >= start)) continue;
        const took = stop - start;
        const action = columns.action[slice]!;
        if (action === ACTION_INDEX.compute) {
          sums.compute += took;
          sums.longest = Math.max(sums.longest, took);
        } else if (action === ACTION_INDEX.transfer) sums.transfer += took;
        else sums.other += took;
        first = Math.min(first, start);
        last = Math.max(last, stop);
      }
      if (first > last) continue;
      this.#start = Math.min(this.#start, first);
      this.#stop = Math.max(this.#stop, last);
      this.#runs.add({ start: first, stop: last, tasks: 1, erred });
    }
  }

  #isKnown(columns: FinishedColumns, from: number, to: number): boolean {
    let last = 0;
    for (let slice = from; slice < to; slice++) last = Math.max(last, columns.stop[slice]!);
    return last <= this.#knownUntil;
  }

  #sumsOf(fn: number): Mutable<Omit<FunctionSummary, 'name'>> {
    let sums = this.#functions.get(fn);
    if (sums === undefined) {
      sums = { tasks: 0, erred: 0, compute: 0, transfer: 0, other: 0, nbytes: 0, longest: 0 };
      this.#functions.set(fn, sums);
    }
    return sums;
  }
}
