import { Growable } from '../../base/growable.ts';
import { LogHistogram } from '../../base/log-histogram.ts';
import { atOnce, type Steps } from '../../base/steps.ts';
import {
  ACTION_INDEX,
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../../model/task-state.ts';
import {
  type Bytes,
  type Duration,
  type Micros,
  type Seconds,
  type Seq,
  toMicros,
  toSeconds,
} from '../../model/units.ts';
import type { Slice } from '../detail/slices.ts';
import type { Store } from '../store.ts';
import { colorOf } from './json.ts';
import { listOf, workersOf } from './record-filter.ts';
import { type MatchFilter, matchesOf } from './record-matches.ts';
import { stretches } from './stretches.ts';
import { CATEGORIES, type WorkerShares, WorkerSums } from './worker-shares.ts';

export const FUNCTION_SORTS = ['total', 'count', 'mean', 'p50', 'p95', 'max', 'nbytes', 'transfer', 'erred'] as const;

export interface FunctionsQuery {
  readonly since: Seconds;
  readonly until: Seconds;
  /** Addresses or names of workers; absent: all. */
  readonly worker?: string | readonly string[] | undefined;
  /** Only these functions; absent: all. */
  readonly name?: string | readonly string[] | undefined;
  /** Only tasks that match. */
  readonly only?: MatchFilter | undefined;
  /** Only these tracks; absent: all. */
  readonly tracks?: ReadonlySet<number> | undefined;
  /** Greatest first. */
  readonly sort: (typeof FUNCTION_SORTS)[number];
  readonly limit: number;
  /** What each worker did is told too. */
  readonly byWorker?: boolean | undefined;
}

/** What a function did in a range of time. `null` where no task of it computed there. */
export interface FunctionFigures {
  readonly name: string;
  readonly color: { readonly index: number; readonly hex: string };
  /** Tasks that computed in the range, wholly or in part; `erred` of them erred. */
  readonly count: number;
  readonly erred: number;
  /** Seconds of computing within the range, and of transfers and disk for its tasks. */
  readonly total: Duration;
  readonly transfer: Duration;
  readonly disk: Duration;
  /** Parts of the computing, transfers and disk for this function's tasks. */
  readonly transfer_share: number;
  readonly disk_share: number;
  /** Computing as a share of the range on all tracks. */
  readonly share: number;
  /** Of whole computes, whether or not the range cuts them. Percentiles are within 1 %. */
  readonly mean: Duration | null;
  readonly p50: Duration | null;
  readonly p95: Duration | null;
  readonly max: Duration | null;
  /** Bytes of the results. */
  readonly nbytes: Bytes;
}

/** Seconds within a range, by what is drawn. `compute` is that of tasks that neither erred nor were lost. */
export interface ActivityTotals {
  readonly compute: Duration;
  readonly erred: Duration;
  readonly lost: Duration;
  readonly transfer: Duration;
  readonly disk: Duration;
  readonly deserialize: Duration;
}

export interface FunctionsView {
  readonly seq: Seq;
  readonly time: Seconds;
  readonly start: Seconds;
  readonly stop: Seconds;
  readonly tracks: number;
  /** The range times the tracks, seconds; `idle` of them nothing happened. */
  readonly wall: Duration;
  readonly idle: Duration;
  /** What filled the range, seconds; with `idle`, and less what overlaps on a track, this makes `wall`. */
  readonly totals: ActivityTotals;
  /** Functions in the range, listed or not. */
  readonly total: number;
  readonly functions: readonly FunctionFigures[];
  /** The busiest first; absent where they were not asked for. */
  readonly workers?: readonly WorkerShares[];
}

/** Rows that are gone through in one step. */
const STEP_ROWS = 10_000;
/** Rows of a track that are gone through in one go: each block of them may be on a page that has to be read. */
const PART_ROWS = 1_024;
/** To read a page takes about as long as to go through so many rows. */
const LOAD_ROWS = 512;

class Sums {
  readonly lengths = new LogHistogram();
  length: Micros = 0;
  erred = 0;
  nbytes: Bytes = 0;
  compute: Micros = 0;
  transfer: Micros = 0;
  disk: Micros = 0;
}

export function functionsView(store: Store, query: FunctionsQuery): FunctionsView {
  return atOnce(functionsSteps(store, query));
}

/** Figures by function over what ran in [since, until), exact but for the percentiles. */
export function* functionsSteps(store: Store, query: FunctionsQuery): Steps<FunctionsView> {
  const { slices, records, seq } = store;
  const since = toMicros(query.since);
  const until = toMicros(query.until);
  const tracks = tracksOf(store, query);
  const names = listOf(query.name)?.map((name) => store.strings.function.find(name));
  const only = names === undefined ? null : new Set(names);
  const matches = query.only === undefined ? null : matchesOf(store, query.only);
  const sums = new Map<number, Sums>();
  const activity = new Float64Array(CATEGORIES);
  const intervals = new Intervals();
  const workers = query.byWorker === true ? new WorkerSums(store, until - since, tracks) : null;
  const bounds = stretches(store, since, until);
  let busy = 0;
  let rows = 0;
  for (const { from: begin, to: end, track } of parts(bounds, tracks)) {
    workers?.begin(activity, busy);
    for (let from = begin; from < end; ) {
      const held = slices.rowsIn(track, 0, from, end, PART_ROWS);
      const to = held <= PART_ROWS ? end : Math.min(end, Math.ceil(from + ((end - from) * PART_ROWS) / held));
      const { loads } = store.pager;
      for (const spent of matches?.learn(slices, track, from, to) ?? []) {
        rows += spent;
        if (rows < STEP_ROWS) continue;
        rows = 0;
        yield;
      }
      slices.visit(track, from, to, (slice) => {
        rows++;
        if (matches?.has(slice.record) === false) return;
        // Most slices say their function themselves.
        const own = slice.category - CATEGORY_FUNCTION;
        const fn = own >= 0 ? own : records.fn.at(slice.record);
        if (only?.has(fn) === false) return;
        let of = sums.get(fn);
        if (of === undefined) {
          of = new Sums();
          sums.set(fn, of);
        }
        const start = Math.max(from, slice.start);
        const stop = Math.min(to, slice.stop);
        intervals.add(start, stop);
        activity[Math.min(slice.category, CATEGORY_FUNCTION)]! += stop - start;
        addSlice(store, of, slice, stop - start, slice.start >= from || from === since);
        return;
      });
      busy += intervals.take();
      rows += 8 + (store.pager.loads - loads) * LOAD_ROWS;
      from = to;
      if (rows < STEP_ROWS) continue;
      rows = 0;
      yield;
    }
    workers?.end(track, activity, busy);
  }
  const wall = (until - since) * tracks.length;
  const functions = [...sums].map(([fn, of]) => figuresOf(store, fn, of, wall));
  functions.sort((a, b) => (b[query.sort] ?? -1) - (a[query.sort] ?? -1) || (a.name < b.name ? -1 : 1));
  return {
    seq,
    time: store.clock(),
    start: toSeconds(since),
    stop: toSeconds(until),
    tracks: tracks.length,
    wall: toSeconds(wall),
    idle: toSeconds(wall - busy),
    totals: {
      compute: toSeconds(activity[CATEGORY_FUNCTION]!),
      erred: toSeconds(activity[CATEGORY_ERRED]!),
      lost: toSeconds(activity[CATEGORY_LOST]!),
      transfer: toSeconds(activity[CATEGORY_TRANSFER]!),
      disk: toSeconds(activity[CATEGORY_DISK]!),
      deserialize: toSeconds(activity[CATEGORY_DESERIALIZE]!),
    },
    total: functions.length,
    functions: functions.slice(0, query.limit),
    ...(workers !== null && { workers: workers.list(query.limit) }),
  };
}

function* parts(bounds: readonly Micros[], tracks: readonly number[]) {
  for (let i = 1; i < bounds.length; i++) {
    for (const track of tracks) yield { from: bounds[i - 1]!, to: bounds[i]!, track };
  }
}

function tracksOf(store: Store, { worker, tracks }: FunctionsQuery): number[] {
  const workers = workersOf(store, worker);
  return store.tracks.list
    .filter(({ track, place }) => tracks?.has(track) !== false && workers?.has(place.worker) !== false)
    .map(({ track }) => track);
}

/** `inside` is the part of the slice that counts; `first`: it was not counted in another part of the range. */
function addSlice(
  { records }: Store,
  of: Sums,
  { action, category, start, stop, record }: Slice,
  inside: Micros,
  first: boolean,
): void {
  if (action === ACTION_INDEX.transfer) of.transfer += inside;
  else if (action === ACTION_INDEX['disk-read'] || action === ACTION_INDEX['disk-write']) of.disk += inside;
  else if (action === ACTION_INDEX.compute && category !== CATEGORY_LOST) {
    of.compute += inside;
    if (!first) return;
    of.lengths.add(stop - start);
    of.length += stop - start;
    of.nbytes += records.nbytes.at(record);
    if (category === CATEGORY_ERRED) of.erred++;
  }
}

function figuresOf(store: Store, fn: number, of: Sums, wall: Micros): FunctionFigures {
  const { count } = of.lengths;
  const spent = Math.max(1, of.compute + of.transfer + of.disk);
  const known = (micros: Micros): Duration | null => (count === 0 ? null : toSeconds(micros));
  return {
    name: store.strings.function.at(fn),
    color: colorOf(fn),
    count,
    erred: of.erred,
    total: toSeconds(of.compute),
    transfer: toSeconds(of.transfer),
    disk: toSeconds(of.disk),
    transfer_share: of.transfer / spent,
    disk_share: of.disk / spent,
    share: of.compute / wall,
    mean: known(of.length / count),
    p50: known(of.lengths.quantile(0.5)),
    p95: known(of.lengths.quantile(0.95)),
    max: known(of.lengths.most),
    nbytes: of.nbytes,
  };
}

/** Adds up time that any of some intervals covers. */
class Intervals {
  readonly #starts = new Growable(Float64Array);
  readonly #stops = new Growable(Float64Array);

  add(start: Micros, stop: Micros): void {
    this.#starts.push(start);
    this.#stops.push(stop);
  }

  /** The time covered by those that were added since the last call. */
  take(): Micros {
    const starts = this.#starts.view().sort();
    const stops = this.#stops.view().sort();
    let covered = 0;
    // Between the i-th start and the i-th stop, in order, as many are open as have begun and not ended.
    for (let i = 0; i < starts.length; i++) {
      const next = i + 1 < starts.length ? starts[i + 1]! : Number.POSITIVE_INFINITY;
      covered += Math.min(stops[i]!, next) - starts[i]!;
    }
    this.#starts.truncate(0);
    this.#stops.truncate(0);
    return covered;
  }
}
