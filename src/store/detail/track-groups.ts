import { type GroupQuery, groupSize } from '../../model/batch.ts';
import type { Micros } from '../../model/units.ts';
import type { BusyFill, BusySink } from './levels.ts';
import type { ShareSink } from './shares.ts';

const NONE: readonly number[] = [];

/** The groups of a window: which tracks are in which. A track may be in several, or in none. */
export class TrackGroups {
  readonly rows: readonly number[];
  readonly #groups: ReadonlyMap<number, GroupQuery>;
  #places: Places | null = null;

  constructor(groups: readonly GroupQuery[]) {
    this.#groups = new Map(groups.map((group) => [group.row, group]));
    this.rows = [...this.#groups.keys()];
  }

  get none(): boolean {
    return this.rows.length === 0;
  }

  /** As they were asked for. */
  get asked(): readonly GroupQuery[] {
    return [...this.#groups.values()];
  }

  /** Rows that a track is part of. */
  of(track: number): readonly number[] {
    if (this.none) return NONE;
    this.#places ??= new Places([...this.#groups.values()]);
    return this.#places.of(track);
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

/** Which groups a track is in: every task that finishes is looked up in the windows of all viewers. */
class Places {
  readonly #groups: readonly GroupQuery[];
  /** Ranges of all groups in order, where no track is in two. */
  readonly #ranges: readonly { readonly from: number; readonly end: number; readonly rows: readonly number[] }[];
  readonly #apart: boolean;
  /** Of tracks that were asked for, where some are in two. */
  readonly #known = new Map<number, readonly number[]>();

  constructor(groups: readonly GroupQuery[]) {
    this.#groups = groups;
    this.#ranges = groups
      .flatMap(({ row, ranges }) => {
        const rows = [row];
        return ranges.flatMap((from, i) =>
          i % 2 === 0 && from < ranges[i + 1]! ? [{ from, end: ranges[i + 1]!, rows }] : [],
        );
      })
      .sort((a, b) => a.from - b.from);
    this.#apart = this.#ranges.every(({ from }, i) => i === 0 || this.#ranges[i - 1]!.end <= from);
  }

  of(track: number): readonly number[] {
    if (!this.#apart) return this.#search(track);
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.end <= track) low = middle + 1;
      else high = middle;
    }
    const range = this.#ranges[low];
    return range !== undefined && range.from <= track ? range.rows : NONE;
  }

  #search(track: number): readonly number[] {
    const rows =
      this.#known.get(track) ?? this.#groups.flatMap(({ row, ranges }) => (contains(ranges, track) ? [row] : []));
    this.#known.set(track, rows);
    return rows;
  }
}

/** Bins of a category are kept in pages of so many: memory follows what there is. */
const PAGE_BITS = 4;
const PAGE = 2 ** PAGE_BITS;

/** One category in the making, in pages of bins. */
interface Busy {
  readonly category: number;
  readonly sums: (Float64Array | undefined)[];
  /** By how many more slices a bin is filled than the one before it; behind those of a page, their sum. */
  readonly steps: (Int32Array | undefined)[];
}

/** Adds up the busy time of tracks: exact, as whole microseconds stay whole below 2^53. */
export class GroupSum {
  readonly #first: number;
  readonly #pages: number;
  readonly #width: Micros;
  readonly #all: (Busy | undefined)[] = [];
  #last: Busy | null = null;
  #from = 0;

  /** Bins from `first` to `count`, `width` µs wide, are there to be added to. */
  constructor(first: number, count: number, width: Micros) {
    this.#first = first;
    // What fills the last bin ends in the one behind it.
    this.#pages = Math.ceil((count - first + 1) / PAGE);
    this.#width = width;
  }

  /** What is added next counts its bins from `bin` on. */
  begin(bin: number): void {
    this.#from = bin - this.#first;
  }

  /** Takes parts in any order. */
  readonly add: BusySink = (bin: number, category: number, micros: Micros) => {
    // Neighbours are of one function far more often than not.
    const { sums } = this.#last?.category === category ? this.#last : this.#of(category);
    const at = bin + this.#from;
    let page = sums[at >>> PAGE_BITS];
    if (page === undefined) {
      page = new Float64Array(PAGE);
      sums[at >>> PAGE_BITS] = page;
    }
    page[at % PAGE]! += micros;
  };

  readonly fill: BusyFill = (from: number, end: number, category: number) => {
    const { steps } = this.#last?.category === category ? this.#last : this.#of(category);
    step(steps, from + this.#from, 1);
    step(steps, end + this.#from, -1);
  };

  /** Time from one moment to another, µs from the beginning of bin 0 on; all of it in bins that are there. */
  addSpan(from: Micros, until: Micros, category: number): void {
    const width = this.#width;
    this.begin(0);
    let bin = Math.floor(from / width);
    const last = Math.ceil(until / width) - 1;
    if (bin === last) {
      this.add(bin, category, until - from);
      return;
    }
    this.add(bin, category, ++bin * width - from);
    if (bin < last) this.fill(bin, last, category);
    this.add(last, category, until - last * width);
  }

  #of(category: number): Busy {
    const all = this.#all;
    while (all.length <= category) all.push(undefined);
    const none = (): undefined[] => new Array<undefined>(this.#pages).fill(undefined);
    const of = all[category] ?? { category, sums: none(), steps: none() };
    all[category] = of;
    this.#last = of;
    return of;
  }

  /** What was added, from a bin on, by bin and then category. */
  read(sink: ShareSink, from = this.#first): void {
    const all = this.#all.filter((of) => of !== undefined);
    const begin = (from - this.#first) >>> PAGE_BITS;
    const filled = all.map(({ steps }) => sumOf(steps, begin));
    const there: number[] = [];
    for (let page = begin; page < this.#pages; page++) {
      there.length = 0;
      for (let c = 0; c < all.length; c++) {
        if (all[c]!.sums[page] !== undefined || all[c]!.steps[page] !== undefined || filled[c] !== 0) there.push(c);
      }
      for (let i = 0; i < PAGE && there.length > 0; i++) {
        const bin = this.#first + page * PAGE + i;
        for (const c of there) {
          const { category, steps, sums } = all[c]!;
          filled[c]! += steps[page]?.[i] ?? 0;
          const micros = (sums[page]?.[i] ?? 0) + filled[c]! * this.#width;
          if (micros > 0 && bin >= from) sink(bin, category, micros);
        }
      }
    }
  }
}

/** What the steps of all pages before one come to. */
function sumOf(steps: Busy['steps'], before: number): number {
  let sum = 0;
  for (let page = 0; page < before; page++) sum += steps[page]?.[PAGE] ?? 0;
  return sum;
}

function step(steps: (Int32Array | undefined)[], at: number, by: number): void {
  const page = steps[at >>> PAGE_BITS] ?? new Int32Array(PAGE + 1);
  steps[at >>> PAGE_BITS] = page;
  page[at % PAGE]! += by;
  page[PAGE]! += by;
}
