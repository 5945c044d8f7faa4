import { MAX_LEVEL, MIN_LEVEL } from '../../model/batch.ts';
import { CATEGORY_FUNCTION } from '../../model/task-state.ts';
import type { Micros } from '../../model/units.ts';
import type { BusySink } from './levels.ts';
import type { RecordTest, Slices } from './slices.ts';

/** Bins that one answer may have. */
export const MAX_BINS = 16_384;
/** Up to so many categories of a bin are sorted by insertion. */
const FEW = 16;

/** Which bins: `count` of them, 2^level µs wide, from number `firstBin` since epoch on. */
export interface Grid {
  readonly level: number;
  readonly firstBin: number;
  readonly count: number;
}

/**
 * The grid that covers [since, until) at `level`, or at the next coarser one that has no more than `limit` bins: a single bin may
 * have to be far wider than what it covers. There is nothing before epoch to be covered.
 */
export function gridOver(since: Micros, until: Micros, level: number, limit = MAX_BINS): Grid {
  for (let k = Math.max(MIN_LEVEL, level); ; k++) {
    const width = 2 ** k;
    const firstBin = Math.floor(Math.max(0, since) / width);
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
  /** The bin of the grid that is read from. */
  #from = 0;
  /** Bins that have entries lie in [#low, #high]. */
  #low = 0;
  #high = -1;
  /** One function for all tracks, so that the loops that call it are compiled for it. */
  readonly #add: BusySink = (at, category, micros) => {
    const bin = at + this.#from;
    if (bin < this.#low) this.#low = bin;
    if (bin > this.#high) this.#high = bin;
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

  /**
   * Bins before `from` are left out, and slices of other than these functions or whose records do not match. Returns how many
   * rows it went through.
   */
  bin(
    slices: Slices,
    track: number,
    grid: Grid,
    from: number,
    functions: ReadonlySet<number> | null,
    sink: ShareSink,
    matches: RecordTest | null = null,
  ): number {
    const { level, firstBin, count } = grid;
    const width = 2 ** level;
    if (this.#heads.length < count) this.#heads = new Uint32Array(count);
    this.#entries = 0;
    this.#from = from;
    this.#low = count;
    this.#high = -1;
    const [since, until] = [(firstBin + from) * width, (firstBin + count) * width];
    const rows =
      matches === null
        ? slices.busy(track, level, since, until, functions, this.#add)
        : slices.busyOf(track, level, since, until, functions, matches, this.#add);
    const heads = this.#heads;
    const categories = this.#categories;
    const micros = this.#micros;
    const previous = this.#previous;
    const high = this.#high;
    for (let bin = this.#low; bin <= high; bin++) {
      const head = heads[bin]!;
      if (head === 0) continue;
      heads[bin] = 0;
      const last = head - 1;
      const before = previous[last]! - 1;
      if (before < 0) {
        sink(bin, categories[last]!, micros[last]!);
      } else if (previous[before] === 0) {
        // Two are of two categories.
        const ordered = categories[before]! < categories[last]!;
        const first = ordered ? before : last;
        const second = ordered ? last : before;
        sink(bin, categories[first]!, micros[first]!);
        sink(bin, categories[second]!, micros[second]!);
      } else {
        this.#emit(bin, head, sink);
      }
    }
    return rows + this.#entries;
  }

  #emit(bin: number, head: number, sink: ShareSink): void {
    let busy = this.#busy;
    let found = 0;
    for (let entry = head; entry > 0; entry = this.#previous[entry - 1]!) {
      const category = this.#categories[entry - 1]!;
      if (category >= busy.length) {
        this.#growCategories(2 * category);
        busy = this.#busy;
      }
      if (busy[category] === 0) this.#touched[found++] = category;
      busy[category]! += this.#micros[entry - 1]!;
    }
    sortFirst(this.#touched, found);
    for (let i = 0; i < found; i++) {
      const category = this.#touched[i]!;
      sink(bin, category, busy[category]!);
      busy[category] = 0;
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

/** Sorts the first `count` values: by far most often a handful, for which a view and its sort would take longer. */
function sortFirst(values: Uint32Array, count: number): void {
  if (count > FEW) {
    values.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    let at = i;
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!;
    values[at] = value;
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
