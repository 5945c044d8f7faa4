import { type GroupQuery, groupSize } from '../../model/batch.ts';
import type { Micros } from '../../model/units.ts';
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

/** Adds up the shares of tracks: exact, as whole microseconds stay whole below 2^53. */
export class GroupSum {
  readonly #first: number;
  readonly #count: number;
  readonly #byCategory = new Map<number, (Float64Array | undefined)[]>();
  #category = -1;
  #pages: (Float64Array | undefined)[] = [];

  /** Bins from `first` to `count` are there to be added to. */
  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  readonly add: ShareSink = (bin: number, category: number, micros: Micros) => {
    // Neighbours are of one function far more often than not.
    if (category !== this.#category) {
      this.#category = category;
      this.#pages = this.#byCategory.get(category) ?? [];
      this.#byCategory.set(category, this.#pages);
    }
    const at = bin - this.#first;
    let page = this.#pages[at >>> PAGE_BITS];
    if (page === undefined) {
      page = new Float64Array(PAGE);
      this.#pages[at >>> PAGE_BITS] = page;
    }
    page[at % PAGE]! += micros;
  };

  /** What was added, by bin and then category. */
  read(sink: ShareSink): void {
    const categories = [...this.#byCategory.keys()].sort((a, b) => a - b);
    for (let from = 0; from < this.#count - this.#first; from += PAGE) {
      const pages = categories.map((category) => this.#byCategory.get(category)![from >>> PAGE_BITS]);
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
