import { Growable } from '../../base/growable.ts';
import {
  FIRST_GROUP,
  MAX_LEVEL,
  type SharesBatch,
  type SlicesBatch,
  type WindowBatch,
  type WindowQuery,
} from '../../model/batch.ts';
import { matchedCategory } from '../../model/task-state.ts';
import { type Micros, type StringIndex, toMicros } from '../../model/units.ts';
import { type MatchFilter, matchesOf, type RecordMatches } from '../queries/record-matches.ts';
import type { Store } from '../store.ts';
import { FoundSlices } from './found-slices.ts';
import { PART_ROWS, partOf, rowsOf, sumUpTracks } from './group-answer.ts';
import type { GrowingSums } from './growing-sums.ts';
import { MatchBinner } from './match-binner.ts';
import { ShareEntries } from './share-entries.ts';
import { type Grid, gridOver, MAX_BINS, ShareBinner, type ShareSink } from './shares.ts';
import { GroupSum, TrackGroups } from './track-groups.ts';

/**
 * An answer in shares gets coarser bins rather than many more entries than this (8 bytes each): about what 120 rows of a busy
 * cluster have at a bin or two to a pixel.
 */
const MOST_ENTRIES = 524_288;
/** The same where there are groups: adding up their tracks takes longer than their entries do. */
const MOST_OF_GROUPS = 1_048_576;
/** Tracks that are looked at to know about how large an answer will be. */
const SAMPLE_TRACKS = 16;
/** What they hold varies: so much more of it is made room for. */
const SPARE = 1.125;
/** A bin of a track seldom has more of them on average. */
const USUAL_CATEGORIES = 3;
/** As much as this in a bin of a group. */
const GROUP_CATEGORIES = 4;
/** Slices of one track seldom lie over each other as deep as this. */
const LANES = 8;
/** Rows that are gone through for an answer that somebody waits for: about a tenth of a second … */
const QUICK_ROWS = 1_500_000;
/** … and how much coarser it may be to have fewer. */
const QUICKER = 3;
/** Room that an open window gets … */
const ROOM = 2;
/** … and bins that it has at least. */
const LEAST_ROOM = 64;
/** To read a page back takes about as long as to go through so many rows. */
const PAGE_ROWS = 800;

const binner = new ShareBinner();
const matchBinner = new MatchBinner();

/** Entries of a batch in the making. */
interface Answer {
  readonly track: Growable<Uint32Array>;
  readonly from: Growable<Uint32Array>;
  readonly offset: Growable<Uint32Array>;
  readonly entries: ShareEntries;
}

/**
 * One viewer's window: first everything in it, then what came to it. Slices while there are few enough to draw one by
 * one, exact shares per bin otherwise. What it sends follows the window, not the history.
 */
export class WindowCursor {
  readonly query: WindowQuery;
  readonly #store: Store;
  readonly #functions: ReadonlySet<number> | null;
  readonly #tracks: ReadonlySet<number> | null;
  readonly #groups: TrackGroups;
  /** Null: there is no filter. */
  readonly #matches: RecordMatches | null;
  readonly #quickRows: number;
  /** What goes with everything but a reset: the lists of rows are known by then. */
  readonly #brief: WindowQuery;
  #mode: 'new' | 'slices' | 'shares' = 'new';
  /** Records of the store that were looked at. */
  #seen = 0;
  /** Slices that were sent. */
  #sent = 0;
  #grid: Grid = { level: 0, firstBin: 0, count: 0 };
  /** Null: the tracks of a group are gone through each time. */
  #growing: GrowingSums | null = null;
  /** An answer that takes more than one step. */
  #job: Generator<undefined, WindowBatch | null> | null = null;
  /** Rows that the present step may still go through. */
  #left = 0;
  /** Pages that had been read back when rows were last counted. */
  #loads = 0;
  /** How many entries the next answer in shares will have, about. */
  #expected = 0;

  /**
   * `quickRows`: the answer to a quick question may go through so many rows. `matching`: the query's filter, with its pattern made a
   * test where it has one.
   */
  constructor(
    store: Store,
    query: WindowQuery,
    quickRows = QUICK_ROWS,
    matching: MatchFilter | undefined = plainFilter(query),
  ) {
    this.#quickRows = quickRows;
    this.#store = store;
    this.query = query;
    this.#functions = query.functions === null ? null : new Set(query.functions);
    this.#tracks = query.tracks === undefined || query.tracks === null ? null : new Set(query.tracks);
    this.#groups = new TrackGroups(query.groups ?? []);
    this.#matches = matching === undefined ? null : matchesOf(store, matching);
    const { since, until, level, functions, maxSlices } = query;
    this.#brief = { since, until, level, functions, maxSlices };
  }

  /** True: the last step did not get to its answer; the next one goes on. */
  get unfinished(): boolean {
    return this.#job !== null;
  }

  /** What is new since the last call, or null. The first call always answers. */
  next(): WindowBatch | null {
    return this.step(Number.POSITIVE_INFINITY);
  }

  /**
   * As {@link next}, but goes through no more than about `rows` rows and then stops; `unfinished` says that it did, and that
   * null is not the answer. The store may change between two steps: an answer is of the moment of its last step.
   */
  step(rows: number): WindowBatch | null {
    this.#left = rows;
    this.#loads = this.#store.pager.loads;
    this.#job ??= this.#answer();
    const { done, value } = this.#job.next();
    if (done !== true) return null;
    this.#job = null;
    return value;
  }

  *#answer(): Generator<undefined, WindowBatch | null> {
    if (this.#mode === 'new') return yield* this.#reset();
    const { records } = this.#store;
    if (records.length === this.#seen) return null;
    if (this.#mode === 'slices') return yield* this.#slicesDelta();
    return yield* this.#sharesDelta();
  }

  *#reset(): Generator<undefined, WindowBatch> {
    const { since, until } = this.query;
    const tries = this.#groups.none || this.query.maxSlices > 0;
    const found = tries ? yield* this.#findSlices(since, until ?? Number.POSITIVE_INFINITY) : null;
    if (found !== null) {
      this.#mode = 'slices';
      this.#sent = found.length;
      return this.#slicesBatch(found, true);
    }
    this.#mode = 'shares';
    const tracks = this.#allTracks();
    this.#grid = this.#withRoom(yield* this.#gridFor(tracks));
    const rows = [...tracks, ...this.#groups.rows];
    return yield* this.#sharesBatch(rows, new Uint32Array(rows.length), true);
  }

  /** All slices in the window, or null when there are too many. */
  *#findSlices(since: Micros, until: Micros): Generator<undefined, FoundSlices | null> {
    const { slices, records } = this.#store;
    const { maxSlices } = this.query;
    const found = new FoundSlices();
    const first = records.length;
    for (const track of this.#tracksAndThoseOfGroups()) {
      // Only a filter makes it worth to go through more rows than are looked for.
      let from = since;
      while (from < until) {
        const rows = slices.rowsIn(track, 0, from, until);
        const to = rows <= PART_ROWS ? until : Math.ceil(from + ((this.#end(until) - from) * PART_ROWS) / rows);
        let gone = 8;
        slices.visit(track, from, to, (slice) => {
          gone++;
          // What comes meanwhile is looked for by itself.
          if ((slice.start < from && from > since) || slice.record >= first) return;
          const fn = records.fn.at(slice.record);
          if (this.#functions?.has(fn) === false) return;
          found.add(slice, fn, matchedCategory(slice.category, this.#matches?.has(slice.record) !== false));
          return found.length <= maxSlices;
        });
        if (found.length > maxSlices) return null;
        if (this.#spent(gone)) yield;
        from = to;
      }
    }
    this.#seen = first;
    this.#addArrivals(since, until, found);
    return found.length <= maxSlices ? found : null;
  }

  *#slicesDelta(): Generator<undefined, WindowBatch | null> {
    const added = new FoundSlices();
    this.#addArrivals(this.query.since, this.query.until ?? Number.POSITIVE_INFINITY, added);
    if (added.length === 0) return null;
    this.#sent += added.length;
    return this.#sent > this.query.maxSlices ? yield* this.#reset() : this.#slicesBatch(added, false);
  }

  /** Adds what overlaps [since, until) and this window shows of the records that were not looked at yet: all are looked at then. */
  #addArrivals(since: Micros, until: Micros, into: FoundSlices): void {
    for (const came of this.#store.arrivals.since(this.#seen)) {
      const [starts, stops, tracks, functions] = [came.start.raw, came.stop.raw, came.track.raw, came.fn.raw];
      for (let i = 0; i < came.length; i++) {
        if (starts[i]! >= until || stops[i]! <= since || !this.#wants(tracks[i]!, functions[i]!)) continue;
        const matches = this.#matches?.has(came.record.at(i)) !== false;
        into.addFrom(came, i, matchedCategory(came.category.at(i), matches));
      }
    }
    this.#seen = this.#store.records.length;
  }

  *#sharesDelta(): Generator<undefined, WindowBatch | null> {
    const dirty = this.#dirty();
    if (dirty === null) return yield* this.#reset();
    if (dirty.size === 0) return null;
    return yield* this.#sharesBatch([...dirty.keys()], Uint32Array.from(dirty.values()), false);
  }

  /**
   * Rows (tracks and groups) that got something since the last look, each with the first bin that it changed. Null when an open window has outgrown
   * its grid. All records are looked at afterwards.
   */
  #dirty(): Map<number, number> | null {
    const { level, firstBin, count } = this.#grid;
    const width = 2 ** level;
    const end = (firstBin + count) * width;
    const open = this.query.until === null;
    const dirty = new Map<number, number>();
    // What counts is the grid, whose first and last bins reach beyond the window.
    const since = firstBin * width;
    const until = open ? Number.POSITIVE_INFINITY : end;
    const first = this.#seen;
    this.#seen = this.#store.records.length;
    for (const came of this.#store.arrivals.since(first)) {
      const [starts, stops, tracks, functions] = [came.start.raw, came.stop.raw, came.track.raw, came.fn.raw];
      for (let i = 0; i < came.length; i++) {
        const start = starts[i]!;
        const track = tracks[i]!;
        if (start >= until || stops[i]! < since || !this.#wants(track, functions[i]!)) continue;
        if (open && stops[i]! > end) return null;
        const bin = Math.max(0, Math.floor(start / width) - firstBin);
        if (this.#shows(track)) dirty.set(track, Math.min(dirty.get(track) ?? bin, bin));
        for (const row of this.#groups.of(track)) dirty.set(row, Math.min(dirty.get(row) ?? bin, bin));
      }
    }
    return dirty;
  }

  /** Whether what a function did on a track is part of this window. */
  #wants(track: number, fn: StringIndex): boolean {
    if (this.#functions?.has(fn) === false) return false;
    return this.#shows(track) || this.#groups.of(track).length > 0;
  }

  /** Whether a track has a row of its own here. */
  #shows(track: number): boolean {
    return this.#tracks?.has(track) !== false;
  }

  #allTracks(): Uint32Array {
    const { list } = this.#store.tracks;
    const all = list.length;
    if (this.#tracks === null) return Uint32Array.from(list, ({ track }) => track);
    return Uint32Array.from([...this.#tracks].filter((track) => track < all).sort((a, b) => a - b));
  }

  *#tracksAndThoseOfGroups(): Generator<number> {
    yield* this.#allTracks();
    const { length } = this.#store.tracks.list;
    const done = new Set<number>();
    for (const row of this.#groups.rows) {
      for (const track of this.#groups.tracksOf(row, length)) {
        if (done.has(track) || this.#shows(track)) continue;
        done.add(track);
        yield track;
      }
    }
  }

  /** The last moment of which anything is known, or may soon be. */
  #end(until: Micros): Micros {
    return Math.min(until, Math.max(toMicros(this.#store.clock()), this.#store.slices.extent()?.until ?? 0) + 1);
  }

  /** The query's grid, or a coarser one on which the answer is not too large. */
  *#gridFor(tracks: Uint32Array): Generator<undefined, Grid> {
    const { since, until, level } = this.query;
    const soon = this.#end(Number.POSITIVE_INFINITY);
    const most = this.#groups.none ? MOST_ENTRIES : MOST_OF_GROUPS;
    const end = (k: number): Micros => until ?? soon + 2 ** k;
    for (let grid = gridOver(since, end(level), level); ; ) {
      // Some of the tracks say how it is with all of them; few are not too many whatever they hold.
      const grouped = this.#groups.rows.length * grid.count * GROUP_CATEGORIES;
      this.#expected = grouped;
      if (grouped + tracks.length * grid.count * USUAL_CATEGORIES <= most) return this.#sooner(grid, tracks, end);
      const stride = Math.max(1, Math.ceil(tracks.length / SAMPLE_TRACKS));
      let entries = grouped;
      const count = (): void => {
        entries += stride;
      };
      for (let i = 0; i < tracks.length; i += stride) {
        if (this.#spent(binner.bin(this.#store.slices, tracks[i]!, grid, 0, this.#functions, count))) yield;
      }
      this.#expected = Math.ceil(entries * SPARE);
      if (entries <= most || grid.level >= MAX_LEVEL) return this.#sooner(grid, tracks, end);
      const coarser = Math.min(MAX_LEVEL, grid.level + Math.max(1, Math.floor(Math.log2(entries / most))));
      grid = gridOver(since, end(coarser), coarser);
    }
  }

  /** An open window may grow to so many times its bins before its grid is made anew, and all of it sent once more. */
  #withRoom(grid: Grid): Grid {
    if (this.query.until !== null) return grid;
    return { ...grid, count: Math.min(MAX_BINS, Math.max(LEAST_ROOM, grid.count * ROOM)) };
  }

  /** Bins of the grid that anything can be in by now. */
  #filled(): number {
    const { level, firstBin, count } = this.#grid;
    const until = this.#store.slices.extent()?.until ?? 0;
    return Math.min(count, Math.floor(until / 2 ** level) - firstBin + 1);
  }

  /** For somebody who waits: a grid, a few levels coarser at most, that needs far fewer rows to be gone through. */
  #sooner(grid: Grid, tracks: Uint32Array, end: (level: number) => Micros): Grid {
    if (this.query.quick !== true || this.#matches !== null) return grid;
    const { since } = this.query;
    const all = [...tracks];
    for (const row of this.#groups.rows) all.push(...this.#groups.tracksOf(row, this.#store.tracks.list.length));
    const stride = Math.max(1, Math.ceil(all.length / SAMPLE_TRACKS));
    const rowsAt = (level: number): number => {
      let rows = 0;
      for (let i = 0; i < all.length; i += stride) rows += rowsOf(this.#store, all[i]!, level, since, end(level));
      return rows * stride;
    };
    const rows = rowsAt(grid.level);
    if (rows <= this.#quickRows) return grid;
    const most = Math.min(MAX_LEVEL, grid.level + QUICKER);
    for (let level = grid.level + 1; level <= most; level++) {
      if (rowsAt(level) <= rows / 2) return gridOver(since, end(level), level);
    }
    return grid;
  }

  /** Whether a bin may need more than 32 bits: the sum of a group, or a wide one; what overlaps in a track counts too. */
  #outgrows(): boolean {
    return Math.max(1, this.#groups.widest) * 2 ** this.#grid.level * LANES > 0xffff_ffff;
  }

  /** Whether a step has gone through its rows, of which it has just gone through `rows`. */
  #spent(rows: number): boolean {
    const { loads } = this.#store.pager;
    this.#left -= rows + (loads - this.#loads) * PAGE_ROWS;
    this.#loads = loads;
    return this.#left <= 0;
  }

  #slicesBatch(found: FoundSlices, reset: boolean): SlicesBatch {
    return {
      mode: 'slices',
      seq: this.#store.seq,
      now: this.#store.clock(),
      query: reset ? this.query : this.#brief,
      reset,
      record: found.record.view(),
      track: found.track.view(),
      category: found.category.view(),
      fn: found.fn.view(),
      start: found.start.view(),
      stop: found.stop.view(),
    };
  }

  /** Whether nearly all of history is in this window. */
  get #wantsAll(): boolean {
    const { since, until } = this.query;
    const extent = this.#store.slices.extent();
    if (extent === null || this.#groups.widest * 2 < this.#store.tracks.list.length) return false;
    return since <= (extent.since + extent.until) / 2 && (until === null || until >= extent.until);
  }

  *#sharesBatch(rows: readonly number[], from: Uint32Array, reset: boolean): Generator<undefined, SharesBatch> {
    const answer: Answer = {
      track: new Growable(Uint32Array, rows.length),
      from: new Growable(Uint32Array, rows.length),
      offset: new Growable(Uint32Array, rows.length + 1),
      entries: new ShareEntries(reset ? this.#expected : 0, this.#outgrows(), this.#matches !== null),
    };
    answer.offset.push(0);
    if (reset && this.#matches !== null && this.#wantsAll) {
      for (const spent of this.#matches.learnAll()) if (this.#spent(spent)) yield;
    }
    if (reset) {
      this.#seen = this.#store.records.length;
      this.#growing = this.query.until === null && this.#matches === null ? yield* this.#keepSums() : null;
    }
    for (let i = 0; i < rows.length; i++) yield* this.#addRow(answer, rows[i]!, from[i]!);
    // What came meanwhile: its rows are listed once more, so that all of it is of one moment.
    const dirty = this.#dirty();
    if (dirty === null) return (yield* this.#reset()) as SharesBatch;
    this.#left = Number.POSITIVE_INFINITY;
    for (const [row, bin] of dirty) yield* this.#addRow(answer, row, bin);
    return {
      mode: 'shares',
      seq: this.#store.seq,
      now: this.#store.clock(),
      query: reset ? this.query : this.#brief,
      reset,
      level: this.#grid.level,
      firstBin: this.#grid.firstBin,
      track: answer.track.view(),
      from: answer.from.view(),
      offset: answer.offset.view(),
      bin: answer.entries.bin,
      category: answer.entries.category,
      busy: answer.entries.busy,
    };
  }

  *#keepSums(): Generator<undefined, GrowingSums | null> {
    const wanted = { groups: this.#groups, functions: this.#functions, grid: this.#grid, filled: this.#filled() };
    const sums = this.#store.openSums.over(this.#store, wanted);
    if (sums === null) return null;
    yield* sums.built((gone) => this.#spent(gone));
    // With others it shares their room, too.
    const { count, firstBin } = sums.grid;
    this.#grid = { ...this.#grid, count: Math.min(this.#grid.count, firstBin + count - this.#grid.firstBin) };
    return sums;
  }

  *#addRow(answer: Answer, row: number, first: number): Generator<undefined> {
    const { track, from, offset, entries } = answer;
    track.push(row);
    from.push(first);
    if (row >= FIRST_GROUP && this.#growing !== null) {
      this.#growing.read(row, this.#grid, first, entries.push);
    } else if (row >= FIRST_GROUP) {
      const sum = new GroupSum(first, Math.max(first, this.#filled()), 2 ** this.#grid.level);
      yield* this.#sumUp(row, first, sum);
      sum.read(entries.push);
    } else {
      yield* this.#bins(row, first, entries.push);
    }
    offset.push(entries.length);
  }

  /** The busy time of a track from a bin on, in parts. */
  *#bins(of: number, first: number, sink: ShareSink): Generator<undefined> {
    const { slices } = this.#store;
    const { level, firstBin } = this.#grid;
    const matches = this.#matches;
    const width = 2 ** level;
    let next = first;
    for (let end = this.#partOf(of, next); end > next; end = this.#partOf(of, next)) {
      const part = { level, firstBin, count: end };
      if (matches !== null) {
        const until = (firstBin + end) * width;
        for (const spent of matches.learn(slices, of, (firstBin + next) * width, until)) if (this.#spent(spent)) yield;
      }
      const gone =
        matches === null
          ? binner.bin(slices, of, part, next, this.#functions, sink)
          : matchBinner.bin(slices, of, part, next, this.#functions, matches.has, sink);
      next = end;
      if (this.#spent(8 + gone)) yield;
    }
  }

  /** The same of all tracks of a group, added to a sum that puts it in order itself. */
  *#sumUp(row: number, first: number, sum: GroupSum): Generator<undefined> {
    const tracks = this.#groups.tracksOf(row, this.#store.tracks.list.length);
    if (this.#matches === null) {
      const question = {
        store: this.#store,
        grid: this.#grid,
        functions: this.#functions,
        spent: (rows: number) => this.#spent(rows),
      };
      yield* sumUpTracks(question, tracks, (track) => this.#groups.holds(row, track), first, sum);
      return;
    }
    sum.begin(0);
    for (const of of tracks) yield* this.#bins(of, first, sum.add);
  }

  #partOf(of: number, from: number): number {
    // No summary says what matches.
    const finest = this.#matches === null ? this.#grid.level : 0;
    return partOf(this.#store.slices, this.#grid, of, from, finest);
  }
}

/** The filter of a query that has no pattern: what one means is known to whoever asks with it. */
function plainFilter({ filter }: WindowQuery): MatchFilter | undefined {
  if (filter?.regex === true) throw new Error('the pattern of a filter was not made a test');
  return filter;
}
