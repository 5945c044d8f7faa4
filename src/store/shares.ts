import { Growable } from '../base/growable.ts';
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
 * Adds up, per bin and category, the time that slices of a track take: exactly, in whole microseconds. It goes through time
 * once, one bin at a time: work follows the slices in the window and the bins that they cover, memory the categories of one bin.
 */
export class ShareBinner {
  /** Busy time in the bin at hand, by category; all zero between bins. */
  #busy = new Float64Array(64);
  /** Categories with busy time in the bin at hand, and how many there are. */
  #touched = new Uint32Array(64);
  #categories = 0;
  /** Slices that go on beyond the bin at hand. */
  readonly #open = new Growable(Uint32Array);

  /** Bins before `from` are left out, and slices for which `keep` says false. */
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
    const open = this.#open;
    let bin = from;
    let end = since + width;

    /** Finishes bins up to `next`, which becomes the one at hand. */
    const goTo = (next: number): void => {
      while (bin < next) {
        this.#emit(bin, sink);
        bin = open.length === 0 ? next : bin + 1;
        if (open.length === 1) {
          // The most frequent case by far: one long task has bins to itself.
          const slice = open.at(0);
          const full = Math.min(next, Math.floor((Math.min(until, stops[slice]!) - origin) / width));
          for (; bin < full; bin++) sink(bin, categories[slice]!, width);
        }
        const start = origin + bin * width;
        end = start + width;
        let left = 0;
        for (let i = 0; i < open.length; i++) {
          const slice = open.at(i);
          const stop = Math.min(until, stops[slice]!);
          if (stop > start) this.#add(categories[slice]!, Math.min(stop, end) - start);
          if (stop > end) open.set(left++, slice);
        }
        open.truncate(left);
      }
    };

    slices.visit(track, since, until, (slice) => {
      if (keep !== null && !keep(slice)) return;
      const start = Math.max(since, starts[slice]!);
      if (start >= end) goTo(Math.floor((start - origin) / width));
      const stop = Math.min(until, stops[slice]!);
      this.#add(categories[slice]!, Math.min(stop, end) - start);
      if (stop > end) open.push(slice);
      return;
    });
    goTo(grid.count);
  }

  #add(category: number, busy: Micros): void {
    if (category >= this.#busy.length) this.#grow(2 * category);
    if (this.#busy[category] === 0) this.#touched[this.#categories++] = category;
    this.#busy[category]! += busy;
  }

  #emit(bin: number, sink: ShareSink): void {
    const busy = this.#busy;
    const touched = this.#touched;
    const count = this.#categories;
    if (count > 1) touched.subarray(0, count).sort();
    for (let i = 0; i < count; i++) {
      const category = touched[i]!;
      sink(bin, category, busy[category]!);
      busy[category] = 0;
    }
    this.#categories = 0;
  }

  #grow(categories: number): void {
    const busy = new Float64Array(categories);
    busy.set(this.#busy);
    this.#busy = busy;
    const touched = new Uint32Array(categories);
    touched.set(this.#touched);
    this.#touched = touched;
  }
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
