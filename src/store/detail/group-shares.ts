import { groupSize, type WindowQuery } from '../../model/batch.ts';
import type { Micros } from '../../model/units.ts';
import { GrowingShares } from './growing-shares.ts';
import { type Grid, gridOver, MAX_BINS } from './shares.ts';
import { TrackGroups } from './track-groups.ts';
import type { TrackShares, TrackSlices } from './window-data.ts';

/** An open window may grow to so many times its bins before all sums are made anew. */
const ROOM = 2;

const NOTHING = { length: 0, bin: new Uint16Array(0), category: new Uint16Array(0), busy: new Float64Array(0) };

interface Sum {
  readonly shares: TrackShares;
  /** Slices have come since that begin here or later. */
  changedFrom: Micros;
}

/**
 * The groups of a window that came as slices: the sums that the server would have sent, exact on the same grid, made of the slices of
 * their tracks when they are asked for. Of what grows at its end, the end is made anew.
 */
export class GroupShares {
  readonly #groups: TrackGroups;
  readonly #query: WindowQuery;
  readonly #slicesOf: (track: number) => TrackSlices | undefined;
  readonly #lanes: ReadonlyMap<number, number>;
  /** Of each row the tracks that have anything. */
  readonly #tracks = new Map<number, Set<number>>();
  readonly #sums = new Map<number, Sum>();
  readonly #summer = new Summer();
  #stop: Micros = 0;
  #grid: Grid = { level: 0, firstBin: 0, count: 0 };

  constructor(query: WindowQuery, slicesOf: (track: number) => TrackSlices | undefined) {
    this.#query = query;
    this.#slicesOf = slicesOf;
    this.#groups = new TrackGroups(query.groups ?? []);
    this.#lanes = new Map(query.groups?.map((group) => [group.row, groupSize(group)]));
    this.#begin();
  }

  get grid(): Grid {
    return this.#grid;
  }

  /** Slices of a track have come, the first of which starts, and the last of which stops, at these times. */
  change(track: number, start: Micros, stop: Micros): void {
    this.#stop = Math.max(this.#stop, stop);
    const { level, firstBin, count } = this.#grid;
    if (this.#query.until === null && this.#stop > (firstBin + count) * 2 ** level) this.#begin();
    for (const row of this.#groups.of(track)) {
      const tracks = this.#tracks.get(row);
      if (tracks === undefined) this.#tracks.set(row, new Set([track]));
      else tracks.add(track);
      const sum = this.#sums.get(row);
      if (sum !== undefined) sum.changedFrom = Math.min(sum.changedFrom, start);
    }
  }

  /** The same object as long as nothing came to it. Undefined for a row that was not asked for. */
  of(row: number): TrackShares | undefined {
    const lanes = this.#lanes.get(row);
    if (lanes === undefined) return undefined;
    const known = this.#sums.get(row);
    if (known !== undefined && known.changedFrom === Number.POSITIVE_INFINITY) return known.shares;
    const { level, firstBin } = this.#grid;
    const from = known === undefined ? 0 : Math.max(0, Math.floor(known.changedFrom / 2 ** level) - firstBin);
    const summer = this.#summer;
    summer.begin(this.#grid, from);
    for (const track of this.#tracks.get(row) ?? []) {
      const slices = this.#slicesOf(track);
      if (slices !== undefined) summer.add(slices);
    }
    const growing = known?.shares.growth?.of ?? new GrowingShares(NOTHING);
    summer.end(growing);
    const shares = growing.state(lanes);
    this.#sums.set(row, { shares, changedFrom: Number.POSITIVE_INFINITY });
    return shares;
  }

  #begin(): void {
    const { since, until, level } = this.#query;
    const grid = gridOver(since, until ?? Math.max(since, this.#stop) + 1, level);
    this.#grid = until === null ? { ...grid, count: Math.min(MAX_BINS, (grid.count + 1) * ROOM) } : grid;
    this.#sums.clear();
  }
}

/** Busy time of one category, in the making. */
interface Busy {
  readonly category: number;
  /** By bin: what slices take of it that begin or end in it. */
  readonly parts: Float64Array;
  /** By bin: by how many more slices it is filled than the one before it. */
  readonly steps: Int32Array;
  low: number;
  high: number;
}

/**
 * Adds up slices bin by bin; what lies between the ends of a long one costs nothing until it is read. A `GroupSum`, whose pages follow
 * what there is in a window of any width, takes three times as long for the few rows and categories of a screen.
 */
class Summer {
  readonly #all = new Map<number, Busy>();
  readonly #touched: Busy[] = [];
  #width = 1;
  #start: Micros = 0;
  #from = 0;
  #count = 0;

  /** Bins from `from` on are to be summed up. */
  begin({ level, firstBin, count }: Grid, from: number): void {
    this.#width = 2 ** level;
    this.#start = firstBin * this.#width;
    this.#from = from;
    if (count !== this.#count) this.#all.clear();
    this.#count = count;
  }

  add({ length, start, stop, category }: TrackSlices): void {
    const width = this.#width;
    const first = this.#start + this.#from * width;
    const end = this.#start + this.#count * width;
    for (let i = 0; i < length; i++) {
      const since = Math.max(first, start[i]!);
      const until = Math.min(end, stop[i]!);
      if (until <= since) continue;
      const of = this.#of(category[i]!);
      const a = Math.floor((since - this.#start) / width);
      const b = Math.floor((until - this.#start) / width);
      if (a < of.low) of.low = a;
      if (b > of.high) of.high = b;
      if (a === b) {
        of.parts[a]! += until - since;
        continue;
      }
      of.parts[a]! += this.#start + (a + 1) * width - since;
      of.parts[b]! += until - (this.#start + b * width);
      of.steps[a + 1]!++;
      of.steps[b]!--;
    }
  }

  /** What was added takes the place of what there was of these bins. */
  end(into: GrowingShares): void {
    const touched = this.#touched.sort((a, b) => a.category - b.category);
    let room = 0;
    let [low, high] = [this.#count, 0];
    for (const of of touched) {
      room += of.high - of.low + 1;
      low = Math.min(low, of.low);
      high = Math.max(high, of.high);
    }
    into.cut(this.#from, room);
    const filled = new Int32Array(touched.length);
    for (let b = low; b <= high; b++) {
      for (let i = 0; i < touched.length; i++) {
        const of = touched[i]!;
        if (b < of.low || b > of.high) continue;
        filled[i]! += of.steps[b]!;
        const sum = of.parts[b]! + filled[i]! * this.#width;
        of.parts[b] = 0;
        of.steps[b] = 0;
        if (sum === 0) continue;
        into.push(b, of.category, sum);
      }
    }
    for (const of of touched) {
      of.low = this.#count;
      of.high = -1;
    }
    touched.length = 0;
  }

  #of(category: number): Busy {
    let of = this.#all.get(category);
    if (of === undefined) {
      // One bin more than there are: what reaches to the end ends in it.
      const bins = this.#count + 1;
      of = { category, parts: new Float64Array(bins), steps: new Int32Array(bins), low: this.#count, high: -1 };
      this.#all.set(category, of);
    }
    if (of.high < 0) this.#touched.push(of);
    return of;
  }
}
