import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../model/task-state.ts';
import { type Seconds, toMicros, toSeconds } from '../model/units.ts';
import { colorOf } from './json.ts';
import { functionOfCategory, gridOver, ShareBinner } from './shares.ts';
import type { Store } from './store.ts';
import type { Track } from './tracks.ts';

export interface SharesQuery {
  readonly since: Seconds;
  readonly until: Seconds;
  /** At most this many bins; they are 2^level µs wide and lie on the grid since epoch, on which they are exact. */
  readonly bins: number;
  readonly by: 'function' | 'worker' | 'track';
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
  readonly thread: number | null;
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

/** What a pixel column shows: exact busy time per bin, of the whole cluster, of each worker or of each track. */
export function sharesView(store: Store, query: SharesQuery) {
  const grid = gridOver(toMicros(query.since), toMicros(query.until), 0, query.bins);
  const width = 2 ** grid.level;
  const binner = new ShareBinner();
  const groups = groupTracks(store, query.by).map((tracks): ShareGroup => {
    const byCategory = new Map<number, Float64Array>();
    const idle = new Float64Array(grid.count).fill(width * tracks.length);
    for (const { track } of tracks) {
      const busyOfTrack = new Float64Array(grid.count);
      binner.bin(store.slices, track, grid, 0, null, (bin, category, micros) => {
        let column = byCategory.get(category);
        if (column === undefined) {
          column = new Float64Array(grid.count);
          byCategory.set(category, column);
        }
        column[bin]! += micros;
        busyOfTrack[bin]! += micros;
      });
      for (let bin = 0; bin < grid.count; bin++) idle[bin]! -= Math.min(width, busyOfTrack[bin]!);
    }
    const place = query.by === 'function' ? undefined : tracks[0]?.place;
    return {
      worker: place?.address ?? null,
      worker_name: place?.name ?? null,
      thread: query.by === 'track' ? tracks[0]!.slot : null,
      tracks: tracks.length,
      shares: [...byCategory].sort((a, b) => a[0] - b[0]).map(([category, busy]) => rowOf(store, category, busy)),
      idle: Array.from(idle, toSeconds),
    };
  });
  return {
    seq: store.seq,
    time: store.clock(),
    start: toSeconds(grid.firstBin * width),
    bin: toSeconds(width),
    bins: grid.count,
    level: grid.level,
    by: query.by,
    groups,
  };
}

function groupTracks(store: Store, by: SharesQuery['by']): Track[][] {
  const { list } = store.tracks;
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
