import { ACTION_INDEX, ACTIONS, CATEGORY_FUNCTION, categoryOf } from '../../model/task-state.ts';
import type { Micros, RecordIndex, StringIndex } from '../../model/units.ts';
import { BLOCK, type BlockList, BlockPool } from '../columns/blocks.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { type BusyFill, type BusySink, CLASSES, classOf, Levels } from './levels.ts';
import { type TrackSlices, TrackTable } from './track-slices.ts';

/** A slice as it is pushed. `start` and `stop` are whole microseconds, at least one apart. */
export interface SliceRow {
  readonly track: number;
  readonly record: RecordIndex;
  readonly fn: StringIndex;
  /** Of the record: index into RECORD_STATUSES. */
  readonly status: number;
  /** Index into ACTIONS. */
  readonly action: number;
  readonly start: Micros;
  readonly stop: Micros;
  /** Worker that a transfer came from; 0 = unknown. */
  readonly origin: StringIndex;
}

/** A slice as it is visited; the next one is written over it. */
export interface Slice {
  readonly track: number;
  readonly record: RecordIndex;
  /** Category of model/task-state.ts. */
  readonly category: number;
  readonly action: number;
  readonly start: Micros;
  readonly stop: Micros;
  readonly origin: StringIndex;
}

/** Says of a record whether it is looked for. */
export type RecordTest = (record: RecordIndex) => boolean;

interface LongSlice {
  readonly start: Micros;
  readonly code: number;
  readonly stop: Micros;
}

/** Columns of a row: offset of the start, length, record, and detail with kind: function or origin × 16 + action + 5 × status. */
const WIDTH = 4;
const LENGTH = BLOCK;
const RECORD = 2 * BLOCK;
const CODE = 3 * BLOCK;
const KIND_BITS = 4;
const KINDS = 2 ** KIND_BITS;
const LONGEST = 0xffff_ffff;
/** A track with fewer slices than this is gone through without asking how many are in a window. */
const FEW = 8_192;
/** So many bins are told of at once. */
const WORTH_FILL = 4;
/** Category by kind; -1 for a function's own. */
const CATEGORIES = Array.from({ length: KINDS }, (_, kind) => {
  const category = categoryOf(kind % ACTIONS.length, Math.trunc(kind / ACTIONS.length), 0);
  return category === CATEGORY_FUNCTION ? -1 : category;
});
const { compute: COMPUTE, transfer: TRANSFER } = ACTION_INDEX;

/** Every startstop that was ever seen, by track, class of length and start, with exact summaries at several levels of detail. */
export class Slices {
  readonly #pool: BlockPool;
  readonly #levels: Levels;
  readonly #tracks: TrackTable;
  readonly #fnOf: (record: RecordIndex) => StringIndex;
  /** Stops of the slices that last longer than a column's number (71 minutes), by record. */
  readonly #long = new Map<RecordIndex, LongSlice[]>();
  #length = 0;
  #since = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  /** `fnOf` gives the function of a record whose slices were pushed; `lookEvery`: see {@link TrackTable}. */
  constructor(fnOf: (record: RecordIndex) => StringIndex, pager = new Pager(), lookEvery?: number) {
    this.#fnOf = fnOf;
    this.#tracks = new TrackTable(pager, lookEvery);
    this.#pool = new BlockPool(WIDTH, false, pager);
    this.#levels = new Levels(pager);
  }

  get length(): number {
    return this.#length;
  }

  /** Pages of slices, and how many of the oldest were given up. */
  get pages(): { readonly all: number; readonly dropped: number } {
    return this.#pool.pages;
  }

  /** Gives up the oldest page of slices; false when there is none. Their summaries stay. */
  dropOldest(): boolean {
    return this.#pool.dropOldest();
  }

  /** Gives up the oldest page of summaries; false when there is none. */
  dropOldestSums(): boolean {
    return this.#levels.dropOldest();
  }

  /** The last thing that is put down: its tracks are left for later. One at a time. */
  save(into: StateWriter): void {
    this.#pool.save(into);
    this.#levels.save(into);
    into.numbers([this.#length, this.#since, this.#until]);
    const long = [...this.#long].map(([record, slices]) => [record, [...slices]] as const);
    into.text(() => long);
    this.#tracks.save(into);
  }

  load(from: StateReader): void {
    this.#pool.load(from);
    this.#levels.load(from);
    const [length = 0, since = 0, until = 0] = from.numbers();
    this.#length = length;
    this.#since = since;
    this.#until = until;
    for (const [record, slices] of from.text<[RecordIndex, LongSlice[]][]>()) this.#long.set(record, slices);
    this.#tracks.load(from);
  }

  /** Bytes taken by slices and by their summaries. */
  get bytes(): { readonly slices: number; readonly levels: number } {
    return { slices: this.#pool.bytes, levels: this.#levels.bytes };
  }

  push({ track, record, fn, status, action, start, stop, origin }: SliceRow): void {
    this.#length++;
    this.#since = Math.min(this.#since, start);
    this.#until = Math.max(this.#until, stop);
    const of = this.#tracks.grow(track);
    const length = stop - start;
    const index = classOf(length);
    of.rows++;
    of.firstStart = Math.min(of.firstStart, start);
    of.lastStop = Math.max(of.lastStop, stop);
    of.longest[index] = Math.max(of.longest[index]!, length);
    let list = of.lists[index];
    if (list === undefined) {
      list = { blocks: [], rows: 0 };
      of.lists[index] = list;
    }
    const pool = this.#pool;
    const at = pool.insert(list, start, Math.min(length, LONGEST));
    const code = (action === COMPUTE ? fn : origin) * KINDS + action + ACTIONS.length * status;
    pool.inserted[at + RECORD] = record;
    pool.inserted[at + CODE] = code;
    if (length >= LONGEST) {
      const known = this.#long.get(record);
      if (known === undefined) this.#long.set(record, [{ start, code, stop }]);
      else known.push({ start, code, stop });
    }
    this.#levels.add(of.levels, index, fn, categoryOf(action, status, fn), start, stop);
    // The record of this slice may not be there yet to be asked for its function.
    if (list.rows % BLOCK === 0) this.#growLevels(of, (other) => (other === record ? fn : this.#fnOf(other)));
  }

  /** The time at which the track's last slice ends; -Infinity for an empty track. */
  lastStop(track: number): Micros {
    return this.#tracks.lastStop(track);
  }

  /** First start and last stop over all tracks, or null when there is nothing. */
  extent(): { readonly since: Micros; readonly until: Micros } | null {
    return this.#length === 0 ? null : { since: this.#since, until: this.#until };
  }

  /** Calls `visit` for each slice of a track that overlaps [since, until), until it returns false. In no particular order. */
  visit(track: number, since: Micros, until: Micros, visit: (slice: Slice) => boolean | undefined): void {
    const of = this.#tracks.within(track, since, until);
    if (of === null) return;
    for (let index = 0; index < CLASSES; index++) {
      const list = of.lists[index];
      if (list !== undefined && !this.#visitList(list, of.longest[index]!, track, since, until, visit)) return;
    }
  }

  /** At most how many rows {@link busy} would go through for a track; nearly exact when it has more than `few` in all. */
  rowsIn(track: number, level: number, since: Micros, until: Micros, few = FEW, above = -1): number {
    const of = this.#tracks.within(track, since, until);
    if (of === null) return 0;
    // Only of long lists it has to be known better.
    if (of.rows < few) return of.rows;
    const index = above >= 0 ? above : this.#levels.indexFor(of.levels, level);
    let rows = above >= 0 || index < 0 ? 0 : this.#levels.rowsIn(of.levels, index, since, until);
    for (let c = index + 1; c < CLASSES; c++) {
      const list = of.lists[c];
      if (list !== undefined) rows += this.#pool.rowsIn(list, since - of.longest[c]!, until);
    }
    return rows;
  }

  /**
   * As {@link busy}, of the slices alone whose records match: summaries do not tell records apart, so every slice in the range is
   * gone through.
   */
  busyOf(
    track: number,
    level: number,
    since: Micros,
    until: Micros,
    functions: ReadonlySet<number> | null,
    matches: RecordTest,
    sink: BusySink,
  ): number {
    const of = this.#tracks.within(track, since, until);
    if (of === null) return 0;
    let rows = 0;
    for (let c = 0; c < CLASSES; c++) {
      const list = of.lists[c];
      if (list !== undefined)
        rows += this.#binList(list, of.longest[c]!, level, since, until, functions, sink, matches, null);
    }
    return rows;
  }

  /**
   * Exact busy time of a track in [since, until), which are bounds of bins of `level`: per bin, counted from `since`, in any order
   * and in parts that add up. Only of these functions, or of all. `above`: slices of greater classes alone. `fill` is told of bins
   * between the ends of a slice, where `sink` need not be. Returns how many rows it went through.
   */
  busy(
    track: number,
    level: number,
    since: Micros,
    until: Micros,
    functions: ReadonlySet<number> | null,
    sink: BusySink,
    above = -1,
    fill: BusyFill | null = null,
  ): number {
    const of = this.#tracks.within(track, since, until);
    if (of === null) return 0;
    const index = above >= 0 ? above : this.#levels.indexFor(of.levels, level);
    let rows = above >= 0 || index < 0 ? 0 : this.#levels.read(of.levels, index, level, since, until, functions, sink);
    for (let c = index + 1; c < CLASSES; c++) {
      const list = of.lists[c];
      if (list !== undefined)
        rows += this.#binList(list, of.longest[c]!, level, since, until, functions, sink, null, fill);
    }
    return rows;
  }

  #binList(
    list: BlockList,
    longest: Micros,
    level: number,
    since: Micros,
    until: Micros,
    functions: ReadonlySet<number> | null,
    sink: BusySink,
    matches: RecordTest | null,
    fill: BusyFill | null,
  ): number {
    const pool = this.#pool;
    const width = 2 ** level;
    // Exact, as it is a power of two.
    const perMicro = 1 / width;
    let gone = 0;
    for (let place = pool.firstPlace(list, since - longest); place < list.blocks.length; place++) {
      const block = list.blocks[place]!;
      const base = pool.base(block);
      if (base >= until) break;
      const words = pool.words(block);
      const at = pool.offset(block);
      const end = at + pool.count(block);
      gone += end - at;
      // What is asked for meanwhile may lie on other pages.
      pool.pin(block);
      for (let row = at; row < end; row++) {
        const start = base + words[row]!;
        if (start >= until) break;
        const length = words[row + LENGTH]!;
        const code = words[row + CODE]!;
        let stop = length === LONGEST ? this.#longStop(words[row + RECORD]!, start, code) : start + length;
        if (stop <= since) continue;
        if (matches?.(words[row + RECORD]!) === false) continue;
        const kind = code & (KINDS - 1);
        const detail = code >>> KIND_BITS;
        if (functions !== null) {
          const fn = kind % ACTIONS.length === COMPUTE ? detail : this.#fnOf(words[row + RECORD]!);
          if (!functions.has(fn)) continue;
        }
        const reserved = CATEGORIES[kind]!;
        const category = reserved < 0 ? CATEGORY_FUNCTION + detail : reserved;
        const from = start < since ? since : start;
        if (stop > until) stop = until;
        let bin = ((from - since) * perMicro) | 0;
        const edge = since + (bin + 1) * width;
        if (stop <= edge) {
          sink(bin, category, stop - from);
          continue;
        }
        sink(bin++, category, edge - from);
        const last = Math.ceil((stop - since) * perMicro) - 1;
        if (fill !== null && last - bin >= WORTH_FILL) fill(bin, last, category);
        else for (; bin < last; bin++) sink(bin, category, width);
        sink(last, category, stop - since - last * width);
      }
      pool.unpin(block);
    }
    return gone;
  }

  /** False when `visit` said so. */
  #visitList(
    list: BlockList,
    longest: Micros,
    track: number,
    since: Micros,
    until: Micros,
    visit: (slice: Slice) => boolean | undefined,
  ): boolean {
    const pool = this.#pool;
    const slice = { track, record: 0, category: 0, action: 0, start: 0, stop: 0, origin: 0 };
    for (let place = pool.firstPlace(list, since - longest); place < list.blocks.length; place++) {
      const block = list.blocks[place]!;
      const base = pool.base(block);
      if (base >= until) break;
      const words = pool.words(block);
      const at = pool.offset(block);
      const count = pool.count(block);
      let going = true;
      pool.pin(block);
      for (let row = at; row < at + count; row++) {
        const start = base + words[row]!;
        if (start >= until) break;
        const length = words[row + LENGTH]!;
        const record = words[row + RECORD]!;
        const code = words[row + CODE]!;
        const stop = length === LONGEST ? this.#longStop(record, start, code) : start + length;
        if (stop <= since) continue;
        const kind = code & (KINDS - 1);
        const detail = code >>> KIND_BITS;
        slice.record = record;
        slice.start = start;
        slice.stop = stop;
        slice.action = kind % ACTIONS.length;
        slice.category = CATEGORIES[kind]! < 0 ? CATEGORY_FUNCTION + detail : CATEGORIES[kind]!;
        slice.origin = slice.action === TRANSFER ? detail : 0;
        if (visit(slice) === false) {
          going = false;
          break;
        }
      }
      pool.unpin(block);
      if (!going) return false;
    }
    return true;
  }

  #growLevels(of: TrackSlices, fnOf: (record: RecordIndex) => StringIndex): void {
    this.#levels.grow(
      of.levels,
      (index) => of.lists[index]?.rows ?? 0,
      (index, into) => {
        const list = of.lists[index];
        if (list === undefined) return;
        this.#visitList(list, 0, 0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, (slice) =>
          into(fnOf(slice.record), slice.category, slice.start, slice.stop),
        );
      },
    );
  }

  #longStop(record: RecordIndex, start: Micros, code: number): Micros {
    return this.#long.get(record)!.find((slice) => slice.start === start && slice.code === code)!.stop;
  }
}
