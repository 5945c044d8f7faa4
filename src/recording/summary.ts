import type { FinishedColumns, SourceEvent, StringTableName } from '../model/source-event.ts';
import { ACTION_INDEX, STATUS_ERRED } from '../model/task-state.ts';
import type { Bytes, Duration, Seconds } from '../model/units.ts';

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
      missed: this.#missed,
      unknownGaps: this.#unknownGaps,
    };
  }

  #finished(columns: FinishedColumns): void {
    let slice = 0;
    for (let row = 0; row < columns.length; row++) {
      const sums = this.#sumsOf(columns.fn[row]!);
      const erred = columns.status[row] === STATUS_ERRED ? 1 : 0;
      this.#workers.add(columns.worker[row]!);
      this.#tasks++;
      this.#erred += erred;
      sums.tasks++;
      sums.erred += erred;
      sums.nbytes += columns.nbytes[row]! || 0;
      for (const end = slice + columns.startstops[row]!; slice < end; slice++) {
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
        this.#start = Math.min(this.#start, start);
        this.#stop = Math.max(this.#stop, stop);
      }
    }
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
