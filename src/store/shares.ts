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
 * Adds up, per bin and category, the time that slices of a track take: exactly, in whole microseconds. Work is
 * proportional to the slices in the window plus the bins they cover. Scratch space is kept from call to call.
 */
export class ShareBinner {
  #bins = new Uint32Array(1024);
  #categories = new Uint32Array(1024);
  #busy = new Float64Array(1024);
  #length = 0;
  #order = new Uint32Array(1024);

  /**
   * `fnOf` gives a slice's function, for `functions`: null for all of them. Bins before `from` are left out.
   */
  bin(
    slices: Slices,
    track: number,
    grid: Grid,
    from: number,
    keep: ((slice: number) => boolean) | null,
    sink: ShareSink,
  ): void {
    const width = 2 ** grid.level;
    const origin = grid.firstBin * width;
    const since = origin + from * width;
    const until = origin + grid.count * width;
    const starts = slices.start.raw;
    const stops = slices.stop.raw;
    const categories = slices.category.raw;
    this.#length = 0;
    slices.visit(track, since, until, (slice) => {
      if (keep !== null && !keep(slice)) return;
      const start = Math.max(since, starts[slice]!) - origin;
      const stop = Math.min(until, stops[slice]!) - origin;
      const category = categories[slice]!;
      const last = Math.ceil(stop / width) - 1;
      for (let bin = Math.floor(start / width); bin <= last; bin++) {
        const lo = bin * width;
        this.#push(bin, category, Math.min(stop, lo + width) - Math.max(start, lo));
      }
      return;
    });
    this.#emit(grid.count, sink);
  }

  #push(bin: number, category: number, busy: number): void {
    if (this.#length === this.#bins.length) this.#grow();
    const i = this.#length++;
    this.#bins[i] = bin;
    this.#categories[i] = category;
    this.#busy[i] = busy;
  }

  #grow(): void {
    const size = this.#bins.length * 2;
    this.#bins = enlarged(this.#bins, new Uint32Array(size));
    this.#categories = enlarged(this.#categories, new Uint32Array(size));
    this.#busy = enlarged(this.#busy, new Float64Array(size));
    this.#order = new Uint32Array(size);
  }

  /** Counting sort by bin, then the few categories of each bin by hand. */
  #emit(bins: number, sink: ShareSink): void {
    const length = this.#length;
    if (length === 0) return;
    const ends = new Uint32Array(bins + 1);
    for (let i = 0; i < length; i++) ends[this.#bins[i]! + 1]!++;
    for (let bin = 0; bin < bins; bin++) ends[bin + 1]! += ends[bin]!;
    const next = ends.slice(0, bins);
    for (let i = 0; i < length; i++) this.#order[next[this.#bins[i]!]!++] = i;
    const sums = new Map<number, number>();
    for (let bin = 0; bin < bins; bin++) {
      const from = ends[bin]!;
      const to = ends[bin + 1]!;
      if (to - from === 1) {
        const i = this.#order[from]!;
        sink(bin, this.#categories[i]!, this.#busy[i]!);
        continue;
      }
      for (let k = from; k < to; k++) {
        const i = this.#order[k]!;
        const category = this.#categories[i]!;
        sums.set(category, (sums.get(category) ?? 0) + this.#busy[i]!);
      }
      const sorted = sums.size > 1 ? [...sums].sort((a, b) => a[0] - b[0]) : sums;
      for (const [category, busy] of sorted) sink(bin, category, busy);
      sums.clear();
    }
  }
}

function enlarged<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Whether a slice belongs to one of these functions; transfers and disk go with the task they are for. */
export function functionFilter(
  slices: Slices,
  fnOfRecord: (record: number) => number,
  functions: readonly number[] | null,
): ((slice: number) => boolean) | null {
  if (functions === null) return null;
  const wanted = new Set(functions);
  return (slice) => wanted.has(fnOfRecord(slices.record.at(slice)));
}

/** The function of a category, or null for a reserved one. */
export function functionOfCategory(category: number): number | null {
  return category >= CATEGORY_FUNCTION ? category - CATEGORY_FUNCTION : null;
}
