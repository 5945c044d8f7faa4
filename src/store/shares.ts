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

/** Busy time of one category, by bin; only [first, last] of it is in use. */
interface Sums {
  readonly category: number;
  readonly busy: Float64Array;
  first: number;
  last: number;
}

/**
 * Adds up, per bin and category, the time that slices of a track take: exactly, in whole microseconds. Work is
 * proportional to the slices in the window plus the bins they cover. Scratch space is kept from call to call.
 */
export class ShareBinner {
  /** All zero between calls. */
  #spare: Float64Array[] = [];

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
    const byCategory = new Map<number, Sums>();
    let sums: Sums | undefined;
    slices.visit(track, since, until, (slice) => {
      if (keep !== null && !keep(slice)) return;
      const category = categories[slice]!;
      if (sums?.category !== category) {
        sums = byCategory.get(category);
        if (sums === undefined) {
          sums = { category, busy: this.#scratch(grid.count), first: grid.count, last: -1 };
          byCategory.set(category, sums);
        }
      }
      addTo(sums, Math.max(since, starts[slice]!) - origin, Math.min(until, stops[slice]!) - origin, width);
      return;
    });
    this.#emit([...byCategory.values()], sink);
  }

  #scratch(count: number): Float64Array {
    const spare = this.#spare.pop();
    return spare !== undefined && spare.length >= count ? spare : new Float64Array(count);
  }

  #emit(all: Sums[], sink: ShareSink): void {
    all.sort((a, b) => a.category - b.category);
    const first = all.reduce((least, sums) => Math.min(least, sums.first), Number.POSITIVE_INFINITY);
    const last = all.reduce((most, sums) => Math.max(most, sums.last), -1);
    for (let bin = first; bin <= last; bin++) {
      for (const { category, busy } of all) {
        const micros = busy[bin]!;
        if (micros === 0) continue;
        busy[bin] = 0;
        sink(bin, category, micros);
      }
    }
    for (const { busy } of all) if (this.#spare.length < SPARES) this.#spare.push(busy);
  }
}
const SPARES = 32;

function addTo(sums: Sums, start: Micros, stop: Micros, width: number): void {
  const { busy } = sums;
  const first = Math.floor(start / width);
  const last = Math.ceil(stop / width) - 1;
  if (first === last) busy[first]! += stop - start;
  else {
    busy[first]! += (first + 1) * width - start;
    for (let bin = first + 1; bin < last; bin++) busy[bin]! += width;
    busy[last]! += stop - last * width;
  }
  if (first < sums.first) sums.first = first;
  if (last > sums.last) sums.last = last;
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
