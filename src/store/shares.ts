import { MAX_LEVEL, MIN_LEVEL } from '../model/batch.ts';
import { CATEGORY_FUNCTION } from '../model/task-state.ts';
import type { Micros } from '../model/units.ts';
import type { Slices } from './slices.ts';

/** Bins that one answer may have. */
export const MAX_BINS = 16_384;

/** Which bins: `count` of them, 2^level µs wide, from number `firstBin` since epoch on. */
export interface Grid {
  readonly level: number;
  readonly firstBin: number;
  readonly count: number;
}

/** The grid that covers [since, until) at `level`, or at the next coarser one that has no more than `limit` bins. */
export function gridOver(since: Micros, until: Micros, level: number, limit = MAX_BINS): Grid {
  for (let k = Math.max(MIN_LEVEL, level); ; k++) {
    const width = 2 ** k;
    const firstBin = Math.floor(since / width);
    const count = Math.max(1, Math.ceil(until / width) - firstBin);
    if (count <= limit || k >= MAX_LEVEL) return { level: k, firstBin, count: Math.min(count, limit) };
  }
}

/** Receives what {@link ShareBinner} found, sorted by bin and category. `bin` counts from the grid's first bin. */
export type ShareSink = (bin: number, category: number, busy: Micros) => void;

/**
 * Adds up, per bin and category, the time that slices of a track take: exactly, in whole microseconds. Work follows the bins that
 * are asked for and the rows that slices and levels need to answer for them; memory the answer for one track.
 */
export class ShareBinner {
  /** By bin: 1 + the last of its entries; 0 for none. All zero between tracks. */
  #heads = new Uint32Array(1_024);
  /** Entries: busy time of a category in a bin, each with 1 + the one before it of the same bin. */
  #categories = new Uint32Array(1_024);
  #micros = new Float64Array(1_024);
  #previous = new Uint32Array(1_024);
  #entries = 0;
  /** Busy time in the bin at hand, by category; all zero between bins. */
  #busy = new Float64Array(64);
  #touched = new Uint32Array(64);

  /** Bins before `from` are left out, and slices of other than these functions. Returns how many rows it went through. */
  bin(
    slices: Slices,
    track: number,
    grid: Grid,
    from: number,
    functions: ReadonlySet<number> | null,
    sink: ShareSink,
  ): number {
    const { level, firstBin, count } = grid;
    const width = 2 ** level;
    if (this.#heads.length < count) this.#heads = new Uint32Array(count);
    this.#entries = 0;
    let low = count;
    let high = -1;
    const add = (at: number, category: number, micros: Micros): void => {
      const bin = at - firstBin;
      if (bin < low) low = bin;
      if (bin > high) high = bin;
      const head = this.#heads[bin]!;
      // Neighbours of one function, by far most often.
      if (head > 0 && this.#categories[head - 1] === category) {
        this.#micros[head - 1]! += micros;
        return;
      }
      const entry = this.#entries++;
      if (entry === this.#micros.length) this.#growEntries();
      this.#categories[entry] = category;
      this.#micros[entry] = micros;
      this.#previous[entry] = head;
      this.#heads[bin] = entry + 1;
    };
    const rows = slices.busy(track, level, (firstBin + from) * width, (firstBin + count) * width, functions, add);
    for (let bin = low; bin <= high; bin++) {
      const head = this.#heads[bin]!;
      if (head === 0) continue;
      this.#heads[bin] = 0;
      if (this.#previous[head - 1] === 0) sink(bin, this.#categories[head - 1]!, this.#micros[head - 1]!);
      else this.#emit(bin, head, sink);
    }
    return rows + this.#entries;
  }

  #emit(bin: number, head: number, sink: ShareSink): void {
    let categories = 0;
    for (let entry = head; entry > 0; entry = this.#previous[entry - 1]!) {
      const category = this.#categories[entry - 1]!;
      if (category >= this.#busy.length) this.#growCategories(2 * category);
      if (this.#busy[category] === 0) this.#touched[categories++] = category;
      this.#busy[category]! += this.#micros[entry - 1]!;
    }
    const touched = this.#touched.subarray(0, categories).sort();
    for (const category of touched) {
      sink(bin, category, this.#busy[category]!);
      this.#busy[category] = 0;
    }
  }

  #growEntries(): void {
    const length = this.#micros.length * 2;
    this.#categories = copyInto(new Uint32Array(length), this.#categories);
    this.#micros = copyInto(new Float64Array(length), this.#micros);
    this.#previous = copyInto(new Uint32Array(length), this.#previous);
  }

  #growCategories(categories: number): void {
    this.#busy = copyInto(new Float64Array(categories), this.#busy);
    this.#touched = copyInto(new Uint32Array(categories), this.#touched);
  }
}

function copyInto<T extends Float64Array | Uint32Array>(into: T, from: T): T {
  into.set(from);
  return into;
}

/** The function of a category, or null for a reserved one. */
export function functionOfCategory(category: number): number | null {
  return category >= CATEGORY_FUNCTION ? category - CATEGORY_FUNCTION : null;
}
