import { Growable } from '../base/growable.ts';
import type { FunctionCounts } from '../model/source-event.ts';
import { SCHEDULER_STATES, STATE_COUNT, STATE_INDEX } from '../model/task-state.ts';
import type { StateReader, StateWriter } from './paging/state.ts';

/**
 * Counts per function. What is shown as released includes the tasks that completed during the present run and that the
 * scheduler has forgotten since: Dask drops them from its counts once nobody holds them, and a bar that ran to the end
 * must not fall back to zero.
 */
export class FunctionTable {
  /** STATE_COUNT numbers per function, as the scheduler counts them. */
  readonly #states = new Growable(Uint32Array);
  readonly #nbytes = new Growable(Float64Array);
  /** Forgotten since the source first reached the scheduler, as it says. */
  readonly #forgotten = new Growable(Float64Array);
  /** Forgotten before the present run. */
  readonly #baseline = new Growable(Float64Array);
  /** Version of the store at which a function changed last. */
  readonly stamps = new Growable(Float64Array);

  get length(): number {
    return this.stamps.length;
  }

  /** Takes what a tick says; functions that it does not name are unchanged. */
  apply({ fn, states, forgotten, nbytes }: FunctionCounts, stamp: number): void {
    for (let i = 0; i < fn.length; i++) this.set(fn[i]!, states, i * STATE_COUNT, forgotten[i]!, nbytes[i]!, stamp);
  }

  set(fn: number, states: ArrayLike<number>, offset: number, forgotten: number, nbytes: number, stamp: number): void {
    this.#grow(fn);
    for (let i = 0; i < STATE_COUNT; i++) this.#states.set(fn * STATE_COUNT + i, states[offset + i]!);
    this.#forgotten.set(fn, forgotten);
    this.#nbytes.set(fn, nbytes);
    this.stamps.set(fn, stamp);
  }

  /** The count as it is shown. */
  count(fn: number, state: number): number {
    const raw = this.#states.at(fn * STATE_COUNT + state);
    if (state !== STATE_INDEX.released) return raw;
    return raw + Math.max(0, this.#forgotten.at(fn) - this.#baseline.at(fn));
  }

  counts(fn: number): number[] {
    return SCHEDULER_STATES.map((_, state) => this.count(fn, state));
  }

  nbytes(fn: number): number {
    return this.#nbytes.at(fn);
  }

  /** Sums over all functions, by state. */
  totals(): number[] {
    const sums = new Array<number>(STATE_COUNT).fill(0);
    for (let fn = 0; fn < this.length; fn++) {
      for (let state = 0; state < STATE_COUNT; state++) sums[state]! += this.count(fn, state);
    }
    return sums;
  }

  save(into: StateWriter): void {
    into.words(this.#states.view());
    for (const column of [this.#nbytes, this.#forgotten, this.#baseline]) into.numbers(column.view());
  }

  load(from: StateReader, stamp: number): void {
    this.#states.append(from.words());
    for (const column of [this.#nbytes, this.#forgotten, this.#baseline]) column.append(from.numbers());
    while (this.stamps.length < this.#nbytes.length) this.stamps.push(stamp);
  }

  /** A new run began: what was forgotten so far belongs to the one before. */
  beginRun(stamp: number): void {
    for (let fn = 0; fn < this.length; fn++) {
      const baseline = this.#forgotten.at(fn);
      if (baseline === this.#baseline.at(fn)) continue;
      this.#baseline.set(fn, baseline);
      this.stamps.set(fn, stamp);
    }
  }

  /** Tasks of a function that were forgotten, as its scheduler says. */
  forgotten(fn: number): number {
    return fn < this.length ? this.#forgotten.at(fn) : 0;
  }

  /** Functions of which some tasks were forgotten before the present run, with their number. */
  baseline(): [fn: number, forgotten: number][] {
    const found: [number, number][] = [];
    for (let fn = 0; fn < this.length; fn++) {
      const forgotten = this.#baseline.at(fn);
      if (forgotten > 0) found.push([fn, forgotten]);
    }
    return found;
  }

  setBaseline(fn: number, forgotten: number): void {
    this.#grow(fn);
    this.#baseline.set(fn, forgotten);
  }

  /** Another scheduler took over: nothing is known of its tasks yet. */
  clear(stamp: number): void {
    for (let fn = 0; fn < this.length; fn++) {
      this.#baseline.set(fn, 0);
      this.set(fn, ZEROS, 0, 0, 0, stamp);
    }
  }

  #grow(fn: number): void {
    while (this.length <= fn) {
      this.#states.append(ZEROS);
      this.#nbytes.push(0);
      this.#forgotten.push(0);
      this.#baseline.push(0);
      this.stamps.push(0);
    }
  }
}

const ZEROS = new Uint32Array(STATE_COUNT);
