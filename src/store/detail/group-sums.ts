import { CATEGORY_FUNCTION } from '../../model/task-state.ts';
import type { Micros, StringIndex } from '../../model/units.ts';
import { type BlockList, BlockPool } from '../columns/blocks.ts';
import type { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { type BusySink, LEVELS, readSums, type SliceSink } from './levels.ts';

/** Levels at which a group may be summed up, the finest first, each with the class of the longest slices that are: of up to four bins. */
const CHOICES = LEVELS.flatMap((level, index) => (index < 2 ? [] : [{ level: level - 4, above: index }]));
const MOST_BINS = 4;
/** Groups of fewer tracks are not worth a sum of their own … */
const LEAST_TRACKS = 4;
/** … nor are those with fewer slices, which are gone through when a sum begins. */
const LEAST_SLICES = 4_096;
/** Whether it is worth it is looked at again when there are twice as many slices, up to so many. */
const MOST_SLICES = 65_536;
/** A sum is kept that has so many times fewer rows than its slices. */
const WORTH_RATIO = 16;
/** Of which a part like this may be too long for it. */
const MOST_LONG = 1 / 8;

/** What a group and each of its tracks take beside the pool, in bytes. */
const BYTES_OF_GROUP = 256;
const BYTES_OF_TRACK = 16;

const FUNCTION = CATEGORY_FUNCTION;
const KIND_BITS = 4;
const KINDS = 2 ** KIND_BITS;

/** What the sums are made of. */
export interface SummedHistory {
  /** The host of a track. */
  hostOf(track: number): string;
  /** Calls `sink` for each slice of a track, until it returns false. `fn`: of the record that is not known yet. */
  eachSlice(track: number, fn: StringIndex, sink: SliceSink): void;
}

/** Tracks of one host. A track stays in the group in which it began. */
interface Group {
  readonly host: string;
  readonly tracks: number[];
  /** Slices of its tracks, while there is no sum. */
  slices: number;
  /** With so many it is looked at whether a sum is worth it; infinity: no more. */
  tryAt: number;
  /** Index into CHOICES. */
  choice: number;
  list: BlockList | null;
}

interface Saved {
  readonly dropped: boolean;
  readonly groups: readonly Omit<Group, 'list'>[];
}

/** A sum that answers for some tracks together. */
export interface GroupTracks {
  readonly tracks: readonly number[];
  /** Slices of greater classes are not in it. */
  readonly above: number;
}

/**
 * Exact busy time of all tracks of a host together, per bin of one level, function and kind: a question about thousands of tracks
 * reads dozens of lists. What is too long for it is left to the tracks, as in their own levels.
 */
export class GroupSums {
  readonly #pool: BlockPool;
  readonly #history: SummedHistory;
  readonly #pager: Pager;
  readonly #groups: Group[] = [];
  readonly #byHost = new Map<string, number>();
  /** Of each track, 1 + its group; 0: none yet. */
  #of: number[] = [];
  /** All of it was given up. */
  #dropped = false;

  constructor(history: SummedHistory, pager: Pager) {
    this.#history = history;
    this.#pager = pager;
    this.#pool = new BlockPool(3, true, pager);
  }

  get bytes(): number {
    return this.#pool.bytes;
  }

  /** A slice that came, and is in its track already. */
  push(track: number, fn: StringIndex, category: number, start: Micros, stop: Micros): void {
    if (this.#dropped) return;
    const of = this.#of[track] ?? 0;
    const group = of > 0 ? this.#groups[of - 1]! : this.#join(track);
    if (group.list !== null) this.#add(group.list, group.choice, fn, category, start, stop);
    else if (++group.slices >= group.tryAt) this.#try(group, fn);
  }

  /** Gives up all there is, for good; false when that was done before. Tracks answer for themselves from then on. */
  drop(): boolean {
    if (this.#dropped) return false;
    this.#dropped = true;
    for (const group of this.#groups) group.list = null;
    while (this.#pool.dropOldest());
    return true;
  }

  /** The sum that a track is part of, where it answers questions at `level`. */
  at(track: number, level: number): GroupTracks | null {
    const of = this.#of[track] ?? 0;
    const group = of > 0 ? this.#groups[of - 1]! : null;
    if (group === null || group.list === null || CHOICES[group.choice]!.level > level) return null;
    return { tracks: group.tracks, above: CHOICES[group.choice]!.above };
  }

  /** About how many rows {@link read} goes through. `track`: of a group that {@link at} gave. */
  rowsIn(track: number, since: Micros, until: Micros): number {
    const { list, choice } = this.#groups[this.#of[track]! - 1]!;
    const width = 2 ** CHOICES[choice]!.level;
    return list === null ? 0 : this.#pool.rowsIn(list, since / width, until / width);
  }

  /** What was busy in [since, until), which are bounds of bins of `level`, of these functions (null: all). Returns rows gone through. */
  read(
    track: number,
    level: number,
    since: Micros,
    until: Micros,
    functions: ReadonlySet<number> | null,
    sink: BusySink,
  ): number {
    const { list, choice } = this.#groups[this.#of[track]! - 1]!;
    if (list === null) return 0;
    return readSums(this.#pool, list, CHOICES[choice]!.level, level, since, until, functions, sink);
  }

  save(into: StateWriter): void {
    this.#pool.save(into);
    const dropped = this.#dropped;
    const groups = this.#groups.map(({ list: _, tracks, ...group }) => ({ ...group, tracks: [...tracks] }));
    into.text(() => ({ dropped, groups }) satisfies Saved);
    for (const { list } of this.#groups) {
      into.number(list?.rows ?? -1);
      into.words(list?.blocks ?? []);
    }
  }

  load(from: StateReader): void {
    this.#pool.load(from);
    const { dropped, groups } = from.text<Saved>();
    this.#dropped = dropped;
    for (const [i, group] of groups.entries()) {
      const rows = from.number();
      const blocks = Array.from(from.words());
      this.#groups.push({ ...group, tracks: [...group.tracks], list: rows < 0 ? null : { blocks, rows } });
      this.#byHost.set(group.host, i);
      this.#pager.charge(BYTES_OF_GROUP);
      for (const track of group.tracks) this.#note(track, i + 1);
    }
  }

  #join(track: number): Group {
    const host = this.#history.hostOf(track);
    let index = this.#byHost.get(host);
    if (index === undefined) {
      index = this.#groups.length;
      this.#byHost.set(host, index);
      this.#pager.charge(BYTES_OF_GROUP);
      // Hosts that fill alike do not begin in one tick.
      const tryAt = LEAST_SLICES + ((index * 97) % LEAST_SLICES);
      this.#groups.push({ host, tracks: [], slices: 0, tryAt, choice: 0, list: null });
    }
    const group = this.#groups[index]!;
    group.tracks.push(track);
    this.#note(track, index + 1);
    return group;
  }

  #note(track: number, group: number): void {
    while (this.#of.length <= track) this.#of.push(0);
    this.#of[track] = group;
    this.#pager.charge(BYTES_OF_TRACK);
  }

  /** Begins the sum at the finest level at which it is worth it. */
  #try(group: Group, fn: StringIndex): void {
    group.tryAt = group.tracks.length >= LEAST_TRACKS ? group.slices * 2 : group.tryAt * 2;
    if (group.tryAt > MOST_SLICES) group.tryAt = Number.POSITIVE_INFINITY;
    if (group.tracks.length < LEAST_TRACKS) return;
    for (let choice = 0; choice < CHOICES.length; choice++) {
      const list: BlockList = { blocks: [], rows: 0 };
      const worth = this.#fill(list, choice, group, fn);
      // To make room for it, all may just have been given up.
      if (this.#dropped) return;
      if (worth) {
        group.list = list;
        group.choice = choice;
        return;
      }
      this.#pool.release(list);
    }
  }

  /** False: the sum is not worth it, and not finished. */
  #fill(list: BlockList, choice: number, { tracks, slices }: Group, late: StringIndex): boolean {
    let long = 0;
    for (const track of tracks) {
      this.#history.eachSlice(track, late, (fn, category, start, stop) => {
        if (!this.#add(list, choice, fn, category, start, stop)) long++;
        return list.rows * WORTH_RATIO <= slices && long <= slices * MOST_LONG;
      });
      if (list.rows * WORTH_RATIO > slices || long > slices * MOST_LONG) return false;
    }
    return true;
  }

  /** False: it is too long. */
  #add(list: BlockList, choice: number, fn: StringIndex, category: number, start: Micros, stop: Micros): boolean {
    const width = 2 ** CHOICES[choice]!.level;
    if (stop - start > width * MOST_BINS) return false;
    const code = fn * KINDS + Math.min(category, FUNCTION);
    let bin = Math.floor(start / width);
    let from = start;
    for (let edge = (bin + 1) * width; edge < stop; edge += width) {
      this.#pool.addTo(list, bin++, code, edge - from);
      from = edge;
    }
    this.#pool.addTo(list, bin, code, stop - from);
    return true;
  }
}
