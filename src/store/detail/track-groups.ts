import { type GroupQuery, groupSize } from '../../model/batch.ts';
import type { Micros } from '../../model/units.ts';
import type { BusySink } from './levels.ts';
import type { ShareSink } from './shares.ts';

const NONE: readonly number[] = [];

/** The groups of a window: which tracks are in which. A track may be in several, or in none. */
export class TrackGroups {
  readonly rows: readonly number[];
  readonly #groups: ReadonlyMap<number, GroupQuery>;
  /** Rows by track, of tracks that were asked for. */
  readonly #of = new Map<number, readonly number[]>();

  constructor(groups: readonly GroupQuery[]) {
    this.#groups = new Map(groups.map((group) => [group.row, group]));
    this.rows = [...this.#groups.keys()];
  }

  get none(): boolean {
    return this.rows.length === 0;
  }

  /** Rows that a track is part of. */
  of(track: number): readonly number[] {
    if (this.none) return NONE;
    let rows = this.#of.get(track);
    if (rows === undefined) {
      rows = this.rows.filter((row) => contains(this.#groups.get(row)!.ranges, track));
      this.#of.set(track, rows);
    }
    return rows;
  }

  /** Whether a track is part of a row. */
  holds(row: number, track: number): boolean {
    return contains(this.#groups.get(row)?.ranges ?? NONE, track);
  }

  /** Tracks in the largest group. */
  get widest(): number {
    return Math.max(0, ...[...this.#groups.values()].map(groupSize));
  }

  /** The tracks of a row, of those below `end`. */
  *tracksOf(row: number, end: number): Generator<number> {
    const ranges = this.#groups.get(row)?.ranges ?? NONE;
    for (let i = 0; i < ranges.length; i += 2) {
      for (let track = ranges[i]!; track < Math.min(end, ranges[i + 1]!); track++) yield track;
    }
  }
}

function contains(ranges: readonly number[], track: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (track >= ranges[i]! && track < ranges[i + 1]!) return true;
  return false;
}

/** Bins of a category are kept in pages of so many: memory follows what there is. */
const PAGE_BITS = 4;
const PAGE = 2 ** PAGE_BITS;

/** Adds up the busy time of tracks: exact, as whole microseconds stay whole below 2^53. */
export class GroupSum {
  readonly #first: number;
  readonly #count: number;
  /** By category. */
  readonly #sums: ((Float64Array | undefined)[] | undefined)[] = [];
  #category = -1;
  #pages: (Float64Array | undefined)[] = [];
  #from = 0;

  /** Bins from `first` to `count` are there to be added to. */
  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  /** What is added next counts its bins from `bin` on. */
  begin(bin: number): void {
    this.#from = bin - this.#first;
  }

  /** Takes parts in any order. */
  readonly add: BusySink = (bin: number, category: number, micros: Micros) => {
    // Neighbours are of one function far more often than not.
    if (category !== this.#category) this.#turnTo(category);
    const at = bin + this.#from;
    const page = this.#pages[at >>> PAGE_BITS] ?? this.#newPage(at >>> PAGE_BITS);
    page[at % PAGE]! += micros;
  };

  #turnTo(category: number): void {
    const sums = this.#sums;
    while (sums.length <= category) sums.push(undefined);
    this.#category = category;
    this.#pages = sums[category] ??= new Array<undefined>(Math.ceil((this.#count - this.#first) / PAGE)).fill(
      undefined,
    );
  }

  #newPage(index: number): Float64Array {
    const page = new Float64Array(PAGE);
    this.#pages[index] = page;
    return page;
  }

  /** What was added, by bin and then category. */
  read(sink: ShareSink): void {
    const categories: number[] = [];
    for (const [category, pages] of this.#sums.entries()) if (pages !== undefined) categories.push(category);
    for (let from = 0; from < this.#count - this.#first; from += PAGE) {
      const pages = categories.map((category) => this.#sums[category]![from >>> PAGE_BITS]);
      if (pages.every((page) => page === undefined)) continue;
      for (let i = 0; i < PAGE; i++) {
        for (const [c, page] of pages.entries()) {
          const micros = page?.[i] ?? 0;
          if (micros > 0) sink(this.#first + from + i, categories[c]!, micros);
        }
      }
    }
  }
}
