import { CATEGORY_FUNCTION } from '../../model/task-state.ts';
import type { Micros } from '../../model/units.ts';
import { BLOCK, type BlockList, BlockPool } from '../columns/blocks.ts';
import type { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/**
 * Levels of detail: exact busy time per track, bin of 2^level µs, function and kind. Levels are 8 times apart, so a question at any
 * level adds up at most four bins of the next finer one that is kept.
 *
 * A slice is of the class of the finest level of which it takes at most a quarter of a bin. That level and the coarser ones sum it
 * up; at finer ones it is looked at by itself, and there are never many such slices to a bin. So what an append costs has a bound
 * (two bins a level) whatever a slice's length is, and what a question costs follows the bins it asks for.
 */
export const LEVELS = [14, 17, 20, 23, 26, 29] as const;
/** Number of classes of slices: those longer than every level's quarter of a bin are the last. */
export const CLASSES = LEVELS.length + 1;
const WIDTHS = LEVELS.map((level) => 2 ** level);
const SHORT = WIDTHS.map((width) => width / 4);
/** A level is tried for a track when it might spare a question more rows than this … */
const WORTH_ROWS = 128;
/** … and kept when it has so many times fewer rows itself, so that all levels together are small beside the slices. */
const WORTH_RATIO = 4;

/** Busy time of a function proper; below are the reserved categories. */
const FUNCTION = CATEGORY_FUNCTION;
const KIND_BITS = 4;
const KINDS = 2 ** KIND_BITS;

export function classOf(length: Micros): number {
  let found = 0;
  while (found < SHORT.length && length > SHORT[found]!) found++;
  return found;
}

/** The summaries of one track, by index into LEVELS. */
export interface TrackLevels {
  /** A level that is not worth it is not there. */
  readonly lists: (BlockList | undefined)[];
  /** How many rows a level must be able to spare to be tried. */
  readonly tryAt: number[];
}

export function noLevels(): TrackLevels {
  return {
    lists: new Array<BlockList | undefined>(LEVELS.length),
    tryAt: new Array<number>(LEVELS.length).fill(WORTH_ROWS),
  };
}

/**
 * Receives busy time of one bin of the level that was asked for, counted from where the question begins: bins since epoch are too
 * large to be handed over without an object each.
 */
export type BusySink = (bin: number, category: number, busy: Micros) => void;
/** Receives that all of the bins from `from` to `end` are busy: of a long slice in one call instead of one a bin. */
export type BusyFill = (from: number, end: number, category: number) => void;

/** Summaries of all tracks, in one pool. */
export class Levels {
  readonly #pool: BlockPool;

  constructor(pager: Pager) {
    this.#pool = new BlockPool(3, true, pager);
  }

  get bytes(): number {
    return this.#pool.bytes;
  }

  /** Gives up the oldest page; false when there is none. */
  dropOldest(): boolean {
    return this.#pool.dropOldest();
  }

  save(into: StateWriter): void {
    this.#pool.save(into);
  }

  load(from: StateReader): void {
    this.#pool.load(from);
  }

  /** Adds a slice of class `from` or below to all levels from there on that the track keeps. `reserved`: its category unless that is its function. */
  add(levels: TrackLevels, from: number, fn: number, category: number, start: Micros, stop: Micros): void {
    for (let index = from; index < LEVELS.length; index++) {
      const list = levels.lists[index];
      if (list !== undefined) this.#addTo(list, index, codeOf(fn, category), start, stop);
    }
  }

  /**
   * The coarsest level that the track keeps and that answers questions at `level`: index into LEVELS, -1 for none. Slices of
   * greater classes are not in it.
   */
  indexFor(levels: TrackLevels, level: number): number {
    let index = LEVELS.length - 1;
    while (index >= 0 && (LEVELS[index]! > level || levels.lists[index] === undefined)) index--;
    return index;
  }

  /** About how many rows {@link read} would go through. */
  rowsIn(levels: TrackLevels, index: number, since: Micros, until: Micros): number {
    return this.#pool.rowsIn(levels.lists[index]!, since / WIDTHS[index]!, until / WIDTHS[index]!);
  }

  /** What was busy in [since, until), which are bounds of bins of `level`, of these functions (null: all). Returns rows gone through. */
  read(
    levels: TrackLevels,
    index: number,
    level: number,
    since: Micros,
    until: Micros,
    functions: ReadonlySet<number> | null,
    sink: BusySink,
  ): number {
    return readSums(this.#pool, levels.lists[index]!, LEVELS[index]!, level, since, until, functions, sink);
  }

  /**
   * Begins the levels that have become worth keeping. `sizes` are the numbers of slices by class; `visit` goes through the slices
   * of a class until it is told to stop.
   */
  grow(levels: TrackLevels, sizes: (index: number) => number, visit: (index: number, into: SliceSink) => void): void {
    for (let index = 0; index < LEVELS.length; index++) {
      if (levels.lists[index] !== undefined) continue;
      const finer = this.indexFor(levels, LEVELS[index]! - 1);
      const fine = levels.lists[finer];
      let spared = fine?.rows ?? 0;
      for (let c = finer + 1; c <= index; c++) spared += sizes(c);
      if (spared <= levels.tryAt[index]!) continue;
      const list: BlockList = { blocks: [], rows: 0 };
      // One that turns out not to be worth it is not finished.
      const most = spared / WORTH_RATIO;
      if (fine !== undefined) this.#coarsen(fine, 2 ** (LEVELS[index]! - LEVELS[finer]!), list, most);
      for (let c = finer + 1; c <= index && list.rows <= most; c++) {
        visit(c, (fn, category, start, stop) => {
          this.#addTo(list, index, codeOf(fn, category), start, stop);
          return list.rows <= most;
        });
      }
      if (list.rows <= most) {
        levels.lists[index] = list;
      } else {
        this.#pool.release(list);
        levels.tryAt[index] = spared * 2;
      }
    }
  }

  #addTo(list: BlockList, index: number, code: number, start: Micros, stop: Micros): void {
    const width = WIDTHS[index]!;
    const bin = Math.floor(start / width);
    const end = (bin + 1) * width;
    if (stop <= end) {
      this.#pool.addTo(list, bin, code, stop - start);
    } else {
      this.#pool.addTo(list, bin, code, end - start);
      this.#pool.addTo(list, bin + 1, code, stop - end);
    }
  }

  /** Stops when there are more than `most` rows. */
  #coarsen(fine: BlockList, ratio: number, into: BlockList, most: number): void {
    const pool = this.#pool;
    for (const block of fine.blocks) {
      if (into.rows > most) return;
      const base = pool.base(block);
      const words = pool.words(block);
      const at = pool.offset(block);
      pool.pin(block);
      for (let row = at; row < at + pool.count(block); row++) {
        pool.addTo(into, Math.floor((base + words[row]!) / ratio), words[row + BLOCK]!, words[row + 2 * BLOCK]!);
      }
      pool.unpin(block);
    }
  }
}

/** What a list of sums at level `own` says of [since, until), bounds of bins of `level`, of these functions. Returns rows gone through. */
export function readSums(
  pool: BlockPool,
  list: BlockList,
  own: number,
  level: number,
  since: Micros,
  until: Micros,
  functions: ReadonlySet<number> | null,
  sink: BusySink,
): number {
  const first = since / 2 ** own;
  const end = until / 2 ** own;
  const perBin = 2 ** (own - level);
  let gone = 0;
  for (let place = pool.firstPlace(list, first); place < list.blocks.length; place++) {
    const block = list.blocks[place]!;
    const base = pool.base(block);
    if (base >= end) break;
    const words = pool.words(block);
    const at = pool.offset(block);
    const count = pool.count(block);
    gone += count;
    pool.pin(block);
    for (let row = at; row < at + count; row++) {
      const bin = base + words[row]!;
      if (bin < first) continue;
      if (bin >= end) break;
      const code = words[row + BLOCK]!;
      const fn = code >>> KIND_BITS;
      if (functions !== null && !functions.has(fn)) continue;
      const kind = code & (KINDS - 1);
      sink(((bin - first) * perBin) | 0, kind === FUNCTION ? FUNCTION + fn : kind, words[row + 2 * BLOCK]!);
    }
    pool.unpin(block);
  }
  return gone;
}

/** False: no more are wanted. */
export type SliceSink = (fn: number, category: number, start: Micros, stop: Micros) => boolean;

function codeOf(fn: number, category: number): number {
  return fn * KINDS + (category >= CATEGORY_FUNCTION ? FUNCTION : category);
}
