import type { FinishedColumns, SourceEvent } from '../../model/source-event.ts';
import { selectsAll, type TaskSelection } from '../../model/task-selection.ts';
import { RECORD_STATUSES } from '../../model/task-state.ts';
import { RowFilter } from '../files/columns.ts';
import type { Tables } from './tables.ts';

/** Takes out of what is replayed the finished tasks that somebody wants. */
export class Selector {
  readonly #selection: TaskSelection;
  readonly #textOf: Tables['textOf'];
  readonly #all: boolean;
  readonly #filter = new RowFilter();
  /** Addresses of the workers of the wanted names. */
  readonly #workers: Set<string>;

  constructor(selection: TaskSelection, textOf: Tables['textOf']) {
    this.#selection = selection;
    this.#textOf = textOf;
    this.#all = selectsAll(selection);
    this.#workers = new Set(selection.worker);
  }

  /** The wanted tasks of an event; null where there are none. */
  of(event: SourceEvent): FinishedColumns | null {
    if (event.kind !== 'tick') return null;
    for (const { name, address } of event.workers?.added ?? []) {
      if (this.#selection.worker?.includes(name)) this.#workers.add(address);
    }
    const { finished } = event;
    if (finished === undefined || finished.length === 0) return null;
    if (this.#all) return finished;
    let slice = 0;
    const found = this.#filter.next(finished, (row) => {
      const from = slice;
      slice += finished.startstops[row]!;
      return this.#wants(finished, row, from, slice);
    });
    return found.length === 0 ? null : found;
  }

  #wants(columns: FinishedColumns, row: number, from: number, to: number): boolean {
    const { since, until, name, worker, status, text, minDuration, maxDuration } = this.#selection;
    if (status !== undefined && RECORD_STATUSES[columns.status[row]!] !== status) return false;
    if (name?.includes(this.#textOf('function', columns.fn[row]!)) === false) return false;
    if (worker !== undefined && !this.#workers.has(this.#textOf('worker', columns.worker[row]!))) return false;
    const key = columns.keys[row]!;
    if (typeof text === 'string' ? !key.includes(text) : text?.(key) === false) return false;
    const timed = [since, until, minDuration, maxDuration].some((limit) => limit !== undefined);
    if (!timed) return true;
    let start = Number.POSITIVE_INFINITY;
    let stop = Number.NEGATIVE_INFINITY;
    for (let slice = from; slice < to; slice++) {
      start = Math.min(start, columns.start[slice]!);
      stop = Math.max(stop, columns.stop[slice]!);
    }
    // A task that nobody saw run has no time.
    if (from === to || stop < (since ?? stop) || start > (until ?? start)) return false;
    return stop - start >= (minDuration ?? 0) && stop - start <= (maxDuration ?? Number.POSITIVE_INFINITY);
  }
}
