import { TaskglassError } from '../../base/errors.ts';
import { atOnce, type Steps } from '../../base/steps.ts';
import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../../model/task-state.ts';
import { type Seconds, type Seq, toMicros, toSeconds } from '../../model/units.ts';
import { functionOfCategory, type Grid, gridOver, ShareBinner, type ShareSink } from '../detail/shares.ts';
import type { Track } from '../detail/tracks.ts';
import type { Store } from '../store.ts';
import { colorOf } from './json.ts';
import { listOf, type RecordFilter, workersOf } from './record-filter.ts';
import { type MatchFilter, matchesOf, type RecordMatches } from './record-matches.ts';

export interface SharesQuery {
  readonly since: Seconds;
  readonly until: Seconds;
  /** At most this many bins; they are 2^level µs wide and lie on the grid since epoch, on which they are exact. */
  readonly bins: number;
  readonly by: 'function' | 'worker' | 'track';
  /** Only these tasks and rows; the rest of the time is idle. */
  readonly only?: (MatchFilter & Pick<RecordFilter, 'name' | 'worker'>) | undefined;
}

/** Busy seconds of one category, a number a bin. */
export interface ShareRow {
  readonly kind: 'function' | 'transfer' | 'disk' | 'erred' | 'deserialize' | 'lost';
  readonly name: string;
  readonly color: { readonly index: number; readonly hex: string } | null;
  readonly busy: number[];
}

export interface ShareGroup {
  readonly worker: string | null;
  readonly worker_name: string | null;
  /** Slot on the worker. */
  readonly slot: number | null;
  readonly tracks: number;
  readonly shares: ShareRow[];
  /** Seconds a bin in which none of the tracks did anything. Transfers beside a compute are not counted twice. */
  readonly idle: number[];
}

const RESERVED: Readonly<Record<number, ShareRow['kind']>> = {
  [CATEGORY_ERRED]: 'erred',
  [CATEGORY_TRANSFER]: 'transfer',
  [CATEGORY_DISK]: 'disk',
  [CATEGORY_DESERIALIZE]: 'deserialize',
  [CATEGORY_LOST]: 'lost',
};

export interface SharesView {
  readonly seq: Seq;
  readonly time: Seconds;
  readonly start: Seconds;
  readonly bin: Seconds;
  readonly bins: number;
  readonly level: number;
  readonly by: SharesQuery['by'];
  readonly groups: readonly ShareGroup[];
}

/** Numbers that one answer may hold. */
const MOST_NUMBERS = 4_000_000;

/** Rows that are gone through in one step. */
const STEP_ROWS = 200_000;
/** Of slices that are looked at by themselves. */
const PART_ROWS = 32_768;

export function sharesView(store: Store, query: SharesQuery): SharesView {
  return atOnce(sharesSteps(store, query));
}

/**
 * What a pixel column shows: exact busy time per bin, of the whole cluster, of each worker or of each track. Throws QUERY_INVALID for
 * too much at once. What comes between two steps may be in it or not; `seq` is the version that all of it has at least.
 */
export function* sharesSteps(store: Store, query: SharesQuery): Steps<SharesView> {
  const { seq } = store;
  const grid = gridOver(toMicros(query.since), toMicros(query.until), 0, query.bins);
  const width = 2 ** grid.level;
  const binner = new ShareBinner();
  const { only = {} } = query;
  const matches = matchesOf(store, only);
  const functions = functionsOf(store, only.name);
  let numbers = 0;
  const column = (): Float64Array => {
    numbers += grid.count;
    if (numbers > MOST_NUMBERS) {
      const detail = `bins: ${grid.count} for each of so many rows are more than ${MOST_NUMBERS} numbers; ask for fewer`;
      throw new TaskglassError('QUERY_INVALID', detail);
    }
    return new Float64Array(grid.count);
  };
  const groups: ShareGroup[] = [];
  let rows = 0;
  for (const tracks of groupTracks(store, query.by, workersOf(store, only.worker))) {
    const byCategory = new Map<number, Float64Array>();
    const idle = column().fill(width * tracks.length);
    const busyOfTrack = new Float64Array(grid.count);
    for (const { track } of tracks) {
      busyOfTrack.fill(0);
      const add: ShareSink = (bin, category, micros) => {
        let busy = byCategory.get(category);
        if (busy === undefined) {
          busy = column();
          byCategory.set(category, busy);
        }
        busy[bin]! += micros;
        busyOfTrack[bin]! += micros;
      };
      if (matches === null) rows += 8 + binner.bin(store.slices, track, grid, 0, functions, add);
      else yield* binMatching(store, binner, track, grid, functions, matches, add);
      for (let bin = 0; bin < grid.count; bin++) idle[bin]! -= Math.min(width, busyOfTrack[bin]!);
      rows += grid.count / 8;
      if (rows < STEP_ROWS) continue;
      rows = 0;
      yield;
    }
    const place = query.by === 'function' ? undefined : tracks[0]?.place;
    groups.push({
      worker: place?.address ?? null,
      worker_name: place?.name ?? null,
      slot: query.by === 'track' ? tracks[0]!.slot : null,
      tracks: tracks.length,
      shares: [...byCategory].sort((a, b) => a[0] - b[0]).map(([category, busy]) => rowOf(store, category, busy)),
      idle: Array.from(idle, toSeconds),
    });
  }
  return {
    seq,
    time: store.clock(),
    start: toSeconds(grid.firstBin * width),
    bin: toSeconds(width),
    bins: grid.count,
    level: grid.level,
    by: query.by,
    groups,
  };
}

/** Busy time of what matches, in steps of its own: no summary has it. */
function* binMatching(
  { slices }: Store,
  binner: ShareBinner,
  track: number,
  { level, firstBin, count }: Grid,
  functions: ReadonlySet<number> | null,
  matches: RecordMatches,
  sink: ShareSink,
): Steps<void> {
  const width = 2 ** level;
  let gone = 0;
  for (let next = 0; next < count; ) {
    const held = slices.rowsIn(track, 0, (firstBin + next) * width, (firstBin + count) * width);
    if (held === 0) break;
    const end = held <= PART_ROWS ? count : next + Math.max(1, Math.floor(((count - next) * PART_ROWS) / held));
    const part = { level, firstBin, count: Math.min(count, end) };
    for (const spent of matches.learn(slices, track, (firstBin + next) * width, (firstBin + part.count) * width)) {
      gone += spent;
      if (gone < PART_ROWS) continue;
      gone = 0;
      yield;
    }
    gone += binner.bin(slices, track, part, next, functions, sink, matches.has);
    next = part.count;
    if (gone < PART_ROWS) continue;
    gone = 0;
    yield;
  }
}

/** Indices of the functions of these names; null: all. */
function functionsOf({ strings }: Store, name: string | readonly string[] | undefined): Set<number> | null {
  const names = listOf(name);
  if (names === null) return null;
  const found = names.map((one) => strings.function.find(one));
  return new Set(found.filter((fn) => fn !== undefined));
}

function groupTracks(store: Store, by: SharesQuery['by'], workers: ReadonlySet<number> | null): Track[][] {
  const list = store.tracks.list.filter(({ place }) => workers?.has(place.worker) !== false);
  if (by === 'function') return [list];
  if (by === 'track') return list.map((track) => [track]);
  return [...new Set(list.map((track) => track.place))].map((place) => place.tracks);
}

function rowOf(store: Store, category: number, busy: Float64Array): ShareRow {
  const fn = functionOfCategory(category);
  const kind = RESERVED[category] ?? 'function';
  return {
    kind,
    name: fn === null ? kind : store.strings.function.at(fn),
    color: fn === null ? null : colorOf(fn),
    busy: Array.from(busy, toSeconds),
  };
}
