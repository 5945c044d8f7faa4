import type { AgentCost, AgentMode, EngineKind, LinkState } from './source-event.ts';
import type { RecordStatus } from './task-state.ts';
import type { Bytes, BytesPerSecond, Duration, Micros, RecordIndex, Seconds, Seq, StringIndex } from './units.ts';

/**
 * Batches: what a store tells another store. The server's store makes them, the wire carries them, the page's replica
 * applies them. Times of slices and bins are whole microseconds ({@link Micros}); other times are seconds.
 */

/** The part of the state that every page needs. Absent parts are unchanged. */
export interface StateBatch {
  readonly seq: Seq;
  /** The scheduler's clock when this batch was made; the only clock a page may use for data. */
  readonly now: Seconds;
  /** True: everything is here; what the replica held before is void. */
  readonly reset: boolean;
  readonly cluster?: ClusterView | null;
  readonly link?: LinkView;
  /** Functions that are new, from index `first` on. The index is the colour index. */
  readonly names?: { readonly first: StringIndex; readonly values: readonly string[] };
  readonly counts?: CountsView;
  /** Tracks that are new or changed. */
  readonly tracks?: readonly TrackView[];
  /** All runs, oldest first, when any of them changed. */
  readonly runs?: readonly RunView[];
  readonly gaps?: readonly GapView[];
  readonly totals?: TotalsView;
  readonly cost?: AgentCost;
  /** Where a stream that follows begins: the start of the oldest of the last 1,000 tasks of the last run. */
  readonly follow?: FollowView;
  /** This is what was true at another time than now. Absent with `reset`: it is now. */
  readonly playhead?: PlayheadView;
}

/** Where in a recorded history somebody looks. `now` of all batches is that time. */
export interface PlayheadView {
  readonly time: Seconds;
  /** How many seconds of history pass in one; 0: it stands still. */
  readonly speed: number;
  /** Where history begins and ends; of a live cluster it ends now. */
  readonly since: Seconds;
  readonly until: Seconds;
  /** All runs, those after the playhead too, oldest first. */
  readonly runs: readonly RunView[];
}

/** History passes at most so many times faster than it did. */
export const MOST_SPEED = 1_000;

export interface ClusterView {
  readonly engine: EngineKind;
  readonly address: string;
  readonly id: string;
  readonly version: string;
  readonly started: Seconds;
  readonly mode: AgentMode;
  /** What the scheduler serves on which ports. */
  readonly services: Readonly<Record<string, number>>;
  /** True: the page may ask the server to run the example computation. */
  readonly example: boolean;
  readonly recording: RecordingView;
  /** Why older details are missing from what is shown. Absent: they are not. */
  readonly cut?: string;
}

/** Whether the server writes down what it watches. `stopped`: it failed, and `reason` says why. */
export interface RecordingView {
  readonly state: 'off' | 'on' | 'stopped';
  readonly reason: string;
}

export interface LinkView {
  readonly state: LinkState;
  /** Since when, scheduler time for `connected`, our own otherwise. */
  readonly since: Seconds;
  /** The last time anything was heard. */
  readonly heard: Seconds;
  readonly reason: string;
}

/** Counts per function as they are shown: `released` includes what the scheduler forgot during the present run. */
export interface CountsView {
  readonly fn: Uint32Array;
  /** STATE_COUNT numbers per function, in the order of SCHEDULER_STATES. */
  readonly states: Uint32Array;
  readonly nbytes: Float64Array;
}

/** A row of the stream: slot `slot` of a worker. Its index never changes. */
export interface TrackView {
  readonly track: number;
  readonly worker: StringIndex;
  readonly address: string;
  readonly name: string;
  readonly host: string;
  readonly slot: number;
  /** False once its worker is gone, and on a row beyond its worker's threads: shown only while something is drawn on it. */
  readonly alive: boolean;
}

export interface RunView {
  readonly start: Seconds;
  readonly stop: Seconds;
  /** Finished tasks in it. */
  readonly records: number;
  readonly erred: number;
  /** The id of the scheduler it ran on. */
  readonly cluster: string;
}

export interface GapView {
  readonly since: Seconds;
  readonly until: Seconds;
  readonly size: number | null;
  readonly reason: string;
}

export interface TotalsView {
  readonly workers: number;
  readonly threads: number;
  /** Finished tasks per second over the last seconds. */
  readonly rate: number;
  /** Records in the store that finished (memory or erred). */
  readonly records: number;
  /** Mean over workers, percent of their threads' cores: 0..100 (a worker may exceed it). */
  readonly cpu: number;
  readonly memory: Bytes;
  readonly memoryLimit: Bytes;
  readonly spilled: Bytes;
  /** Bytes of results as the scheduler counts them. */
  readonly nbytes: Bytes;
  readonly clients: number;
  /** The scheduler process. */
  readonly schedulerCpu: number;
  readonly schedulerMemory: Bytes;
}

export interface FollowView {
  readonly start: Micros;
  /** Start of the last run; the stream does not show what lies before it while it follows. */
  readonly runStart: Micros;
  /** Stop of the last run, or now while something runs. */
  readonly runStop: Micros;
}

/** Tasks that run now, at most one a track. */
export interface RunningBatch {
  readonly seq: Seq;
  readonly now: Seconds;
  readonly reset: boolean;
  /** Tracks that changed. */
  readonly track: Uint32Array;
  /** Function per track, or NOTHING_RUNS. */
  readonly fn: Uint32Array;
  readonly start: Float64Array;
  readonly keys: readonly string[];
}
export const NOTHING_RUNS = 0xffff_ffff;

/** One row of the workers table. NaN = not known (null in JSON). */
export interface WorkerView {
  readonly worker: StringIndex;
  readonly address: string;
  readonly name: string;
  readonly host: string;
  readonly status: string;
  readonly nthreads: number;
  readonly version: string;
  readonly cpu: number;
  readonly memory: {
    readonly process: Bytes;
    readonly managed: Bytes;
    readonly unmanaged_old: Bytes;
    readonly unmanaged_recent: Bytes;
    readonly spilled: Bytes;
    readonly limit: Bytes;
  };
  readonly processing: number;
  readonly in_memory: number;
  readonly executing: number;
  readonly occupancy: Duration;
  readonly latency: Duration;
  readonly last_seen: Seconds;
  readonly network: { readonly read: BytesPerSecond; readonly write: BytesPerSecond };
  readonly disk: { readonly read: BytesPerSecond; readonly write: BytesPerSecond };
  readonly services: Readonly<Record<string, number>>;
  readonly pid: number;
  /** False for one that is gone and still shown. `goneSince` says since when. */
  readonly alive: boolean;
  readonly gone_since: Seconds | null;
}

export interface WorkersBatch {
  readonly seq: Seq;
  readonly now: Seconds;
  /** All workers, those gone during the last minute too. */
  readonly workers: readonly WorkerView[];
}

/** Samples of the cluster, oldest first. */
export interface ResourcesBatch {
  readonly seq: Seq;
  readonly now: Seconds;
  /** True: replaces what the replica holds; false: follows it. */
  readonly reset: boolean;
  /** Row by row, in the order of RESOURCE_COLUMNS: a sample or two at a time, for which columns would be mostly heads. */
  readonly samples: Float64Array;
}
export const RESOURCE_COLUMNS = [
  'time',
  /** Percent of a worker's threads, mean and extremes over workers. */
  'cpu',
  'cpuMin',
  'cpuMax',
  /** Process memory: sum over workers, and the least and the most that one of them uses as a share of its limit, times the sum of limits. */
  'memory',
  'memoryMin',
  'memoryMax',
  'memoryLimit',
  /** Sums over hosts. */
  'networkRead',
  'networkWrite',
  'diskRead',
  'diskWrite',
] as const;
export type ResourceColumn = (typeof RESOURCE_COLUMNS)[number];

/** Which tasks are looked for among those that are shown; what is absent does not matter. */
export interface WindowFilter {
  /** How they ended; those that finished (memory and erred) when absent. */
  readonly status?: RecordStatus;
  /** From the first start to the last stop. */
  readonly minDuration?: Duration;
  readonly maxDuration?: Duration;
  /** Part of the key; with `regex`, a pattern that is found in it. */
  readonly text?: string;
  readonly regex?: true;
}

/** What a viewer looks at. */
export interface WindowQuery {
  readonly since: Micros;
  /** null: open-ended, the window grows as time goes on. */
  readonly until: Micros | null;
  /** Bins are 2^level µs wide; `shares` are answered at this level. */
  readonly level: number;
  /** Only these functions (others are idle); null = all. */
  readonly functions: readonly StringIndex[] | null;
  /** Only these tracks: the rows in view. Absent or null = all. */
  readonly tracks?: readonly number[] | null;
  /** Rows that stand for many tracks each. An answer in slices has those of their tracks, which add up to them. */
  readonly groups?: readonly GroupQuery[];
  /** Categories say what belongs to tasks that match and what does not, to which UNMATCHED is added. */
  readonly filter?: WindowFilter;
  /** Answer with slices when there are no more than this many, with shares otherwise. 0: always shares. */
  readonly maxSlices: number;
  /** Somebody waits: shares in coarser bins will do where they come much sooner. */
  readonly quick?: boolean;
}

/** A row that is the sum of its tracks. */
export interface GroupQuery {
  /** The number under which it is answered, in the place of a track's: {@link FIRST_GROUP} or more. */
  readonly row: number;
  /** Its tracks as ranges [from, to), flat and ascending: from, to, from, to, … */
  readonly ranges: readonly number[];
}
/** No track has this number or a greater one. */
export const FIRST_GROUP = 2 ** 31;

/** How many tracks a group has. */
export function groupSize({ ranges }: GroupQuery): number {
  let size = 0;
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!;
  return size;
}

/** The answer to a window query, and afterwards what came to it. */
export type WindowBatch = SlicesBatch | SharesBatch;

interface WindowBatchBase {
  readonly seq: Seq;
  readonly now: Seconds;
  /** Without its lists of rows unless this is a reset. */
  readonly query: WindowQuery;
  /** True: replaces everything that was known of this window. */
  readonly reset: boolean;
}

export interface SlicesBatch extends WindowBatchBase {
  readonly mode: 'slices';
  readonly record: Uint32Array;
  readonly track: Uint32Array;
  /** Category of model/task-state.ts. */
  readonly category: Uint32Array;
  /** Function of the record, for the name on it. */
  readonly fn: Uint32Array;
  readonly start: Float64Array;
  readonly stop: Float64Array;
}

/**
 * Exact busy time per track, bin and category. Bin b of level k covers [b * 2^k, (b + 1) * 2^k) µs since epoch.
 * For each listed track, everything from bin `from` on is replaced by its entries, which are sorted by bin and category. A track
 * may be listed twice; the later one counts. Where there would be too many entries, `level` is coarser than the query's.
 */
export interface SharesBatch extends WindowBatchBase {
  readonly mode: 'shares';
  readonly level: number;
  /** Number of the first bin of the window; `bin` and `from` count from it. */
  readonly firstBin: number;
  /** Tracks, and rows of the query's groups. */
  readonly track: Uint32Array;
  readonly from: Uint32Array;
  /** Entries of track i are [offset[i], offset[i + 1]). */
  readonly offset: Uint32Array;
  readonly bin: Uint16Array;
  /** Category of model/task-state.ts; a function beyond the 32,760th shares the last one's. */
  readonly category: Uint16Array;
  /** Busy µs, at most 2^level per lane; floats where that may outgrow 32 bits: in wide bins and sums of many tracks. */
  readonly busy: Uint32Array | Float64Array;
}

/** Bins narrower than 2^4 µs are not asked for; one of 2^53 µs holds every moment that can be told in whole microseconds. */
export const MIN_LEVEL = 4;
export const MAX_LEVEL = 53;

/** The level whose bins are as wide as `micros` or the next narrower power of two. */
export function levelFor(micros: number): number {
  const level = Math.floor(Math.log2(Math.max(1, micros)));
  return Math.min(MAX_LEVEL, Math.max(MIN_LEVEL, level));
}

/** A record in full, as the API and the hover show it. */
export interface RecordView {
  readonly record: RecordIndex;
  readonly key: string;
  readonly name: string;
  readonly group: string;
  readonly worker: string;
  readonly worker_name: string;
  /** Slot on the worker, from 0. */
  readonly slot: number;
  readonly status: RecordStatus | 'processing';
  /** When all that it depends on was there and it could have begun; null where that is not known. */
  readonly ready: Seconds | null;
  readonly start: Seconds;
  readonly stop: Seconds | null;
  readonly nbytes: Bytes;
  readonly type: string;
  /** Read from the scheduler's own buffer: finished before we attached. */
  readonly past: boolean;
  readonly startstops: readonly {
    readonly action: string;
    readonly start: Seconds;
    readonly stop: Seconds;
    readonly source?: string;
  }[];
  readonly exception?: string;
  readonly traceback?: string;
}

/** A record with its neighbours in the graph. */
export interface RecordDetails extends RecordView {
  /** `total` counts all tasks whose results it took, 0 where that is not known; `tasks` are those of them that are records here. */
  readonly dependencies: { readonly total: number; readonly tasks: readonly LinkedTask[] };
  /** Where they were asked for. `complete`: all records behind it were looked at. `tasks` are the first of them. */
  readonly dependents?: { readonly total: number; readonly complete: boolean; readonly tasks: readonly LinkedTask[] };
}

export interface LinkedTask {
  readonly record: RecordIndex;
  readonly key: string;
  readonly name: string;
  /** Row of the stream, by number. */
  readonly track: number;
  readonly start: Seconds;
  readonly stop: Seconds;
}
