import type { Bytes, BytesPerSecond, Duration, Seconds, StringIndex } from './units.ts';

/**
 * Source events: the narrow waist. A source (a Dask scheduler, the embedded engine, a recording) turns
 * one engine into this union and knows nothing of what becomes of it; the store and the recorder know
 * nothing of where it came from.
 *
 * Columns are plain typed arrays of one length; the receiver owns them from `accept` on and the source
 * never touches them again. Strings that repeat (functions, groups, workers, types) are interned
 * through the sink; keys never are.
 */
export type SourceEvent = ClusterEvent | LinkEvent | TickEvent | GapEvent;

/** String tables that live as long as a store. */
export const STRING_TABLES = ['function', 'group', 'worker', 'type'] as const;
export type StringTableName = (typeof STRING_TABLES)[number];

/** Where a source puts what it observes. */
export interface SourceSink {
  /**
   * The index of `value` in a table, added at its first appearance. `function` is a key's prefix,
   * `worker` a worker's address. Function indices are also colour indices, so a source interns a
   * function when it first appears and not before.
   */
  intern(table: StringTableName, value: string): StringIndex;
  /** Takes one event. All parts of a tick take effect together. Never throws for what a cluster sent. */
  accept(event: SourceEvent): void;
}

/** How a source reaches its engine; the page says so where it is less than everything. */
export const AGENT_MODES = ['feed', 'run_function', 'preload', 'polling', 'embedded', 'recording'] as const;
export type AgentMode = (typeof AGENT_MODES)[number];
export const ENGINE_KINDS = ['dask', 'embedded', 'recording'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/** A scheduler was reached. Sent first, and again after every reconnect. */
export interface ClusterEvent {
  readonly kind: 'cluster';
  readonly time: Seconds;
  readonly engine: EngineKind;
  readonly address: string;
  /** The scheduler's own id. Another id than before means another cluster: runs end, workers are gone. */
  readonly id: string;
  readonly version: string;
  readonly started: Seconds;
  readonly mode: AgentMode;
  /** Ports by service name, e.g. `{dashboard: 8787}`. */
  readonly services: Readonly<Record<string, number>>;
}

export const LINK_STATES = ['connected', 'connecting', 'lost', 'stalled'] as const;
export type LinkState = (typeof LINK_STATES)[number];

/** The way to the scheduler changed. */
export interface LinkEvent {
  readonly kind: 'link';
  readonly state: LinkState;
  /** When the source noticed, in its own clock. */
  readonly time: Seconds;
  /** For people: why, in a few words (`connection refused`). Empty when connected. */
  readonly reason: string;
}

/** `unreadable`: a part of a recording was damaged. */
export const GAP_REASONS = ['disconnected', 'overload', 'stalled', 'unreadable'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Tasks were missed: between two times, `size` of them where that is known. */
export interface GapEvent {
  readonly kind: 'gap';
  readonly since: Seconds;
  readonly until: Seconds;
  /** Finished tasks that were not recorded; null when nobody knows. */
  readonly size: number | null;
  readonly reason: GapReason;
}

/** Everything that was observed at one moment. Absent parts are unchanged. */
export interface TickEvent {
  readonly kind: 'tick';
  /** The scheduler's clock. */
  readonly time: Seconds;
  readonly finished?: FinishedColumns;
  readonly running?: RunningChange;
  readonly functions?: FunctionCounts;
  readonly workers?: WorkersChange;
  readonly totals?: ClusterTotals;
  readonly cost?: AgentCost;
  readonly log?: readonly LogEntry[];
}

/** Finished tasks: one row a record, with the startstops of all rows flattened behind one another. */
export interface FinishedColumns {
  readonly length: number;
  /** `str(key)`, as Python prints it. */
  readonly keys: readonly string[];
  readonly fn: Uint32Array;
  readonly group: Uint32Array;
  readonly worker: Uint32Array;
  /** The thread's identity on its worker: any number that tells threads apart. */
  readonly thread: Float64Array;
  readonly type: Uint32Array;
  /** Index into RECORD_STATUSES. */
  readonly status: Uint8Array;
  readonly nbytes: Float64Array;
  /** Startstops per record. */
  readonly startstops: Uint16Array;
  /** Index into ACTIONS, one per startstop. */
  readonly action: Uint8Array;
  /** Seconds since epoch, one per startstop. */
  readonly start: Float64Array;
  readonly stop: Float64Array;
  /** `worker` index that a transfer came from, 0 where unknown. One per startstop. */
  readonly origin: Uint32Array;
  /**
   * When all that a task depends on was there and it could have begun: it left `waiting`. What it then spent queued, without a
   * worker or processing is its wait. Seconds since epoch on the scheduler's clock, NaN where not known. One per row.
   */
  readonly ready: Float64Array;
  /** How many tasks it depended on; 0 where that is not known. One per row. */
  readonly needs: Uint32Array;
  /** How many of those are in `back`. One per row. */
  readonly dependencies: Uint16Array;
  /**
   * Which: so many rows before this one in all that its source told the dependency's record stands, from 1 on. Rows of `past` columns
   * have none and do not count. What was not told, or before something was missed, is left out. Flattened like startstops.
   */
  readonly back: Uint32Array;
  /** Texts of the rows that erred, by row. */
  readonly errors: ReadonlyMap<number, TaskError>;
  /** True when these finished before the source attached (read from the scheduler's own buffer). */
  readonly past: boolean;
}

export interface TaskError {
  readonly exception: string;
  readonly traceback: string;
}

/** Tasks that began or ceased to run, by key. A finished record ends its running task by itself. */
export interface RunningChange {
  /** True: what was running before is no longer known; `started` is the whole set. */
  readonly reset: boolean;
  readonly started: readonly RunningTask[];
  /** Keys that stopped running without a finished record (released, stolen, cancelled). */
  readonly ended: readonly string[];
}

export interface RunningTask {
  readonly key: string;
  readonly fn: StringIndex;
  readonly worker: StringIndex;
  readonly start: Seconds;
}

/** Counts per function (prefix). Absolute values; functions that are absent are unchanged. */
export interface FunctionCounts {
  readonly fn: Uint32Array;
  /** STATE_COUNT numbers per function, in the order of SCHEDULER_STATES. */
  readonly states: Uint32Array;
  /** Tasks that completed and were then forgotten, since the source first reached this scheduler id. Only grows. */
  readonly forgotten: Float64Array;
  /** Bytes of results in memory. */
  readonly nbytes: Float64Array;
}

export interface WorkersChange {
  readonly added?: readonly WorkerInfo[];
  /** Worker indices. */
  readonly removed?: readonly StringIndex[];
  readonly samples?: readonly WorkerSample[];
}

export interface WorkerInfo {
  readonly worker: StringIndex;
  readonly address: string;
  readonly name: string;
  readonly host: string;
  readonly nthreads: number;
  /** 0 = no limit. */
  readonly memoryLimit: Bytes;
  readonly version: string;
  readonly services: Readonly<Record<string, number>>;
  readonly nanny: string;
  readonly pid: number;
  readonly localDirectory: string;
}

/** One reading of a worker. Numbers that the engine does not know are NaN; parts not read are absent. */
export interface WorkerSample {
  readonly worker: StringIndex;
  /** Dask's words: running, paused, closing_gracefully, … */
  readonly status?: string;
  /** The scheduler's own view. */
  readonly counts?: WorkerCounts;
  /** From the worker's heartbeat. */
  readonly metrics?: WorkerMetrics;
}

export interface WorkerCounts {
  readonly processing: number;
  readonly inMemory: number;
  readonly executing: number;
  readonly occupancy: Duration;
  readonly nbytes: Bytes;
}

export interface WorkerMetrics {
  /** When the scheduler got it. */
  readonly lastSeen: Seconds;
  /** Percent of one core: 400 = four cores busy. */
  readonly cpu: number;
  /** Process memory (RSS). */
  readonly process: Bytes;
  readonly managed: Bytes;
  readonly unmanagedOld: Bytes;
  readonly unmanagedRecent: Bytes;
  readonly spilled: Bytes;
  /** Host-wide in Dask: never summed over the workers of one host. */
  readonly networkRead: BytesPerSecond;
  readonly networkWrite: BytesPerSecond;
  readonly diskRead: BytesPerSecond;
  readonly diskWrite: BytesPerSecond;
  readonly fds: number;
  readonly eventLoopInterval: Duration;
  /** The heartbeat's round trip; NaN where the version does not report it. */
  readonly latency: Duration;
}

/** Figures of the scheduler itself. */
export interface ClusterTotals {
  readonly clients: number;
  readonly idle: number;
  readonly saturated: number;
  readonly occupancy: Duration;
  /** The scheduler process. CPU is percent of one core. */
  readonly cpu: number;
  readonly memory: Bytes;
}

/** What watching costs the scheduler. */
export interface AgentCost {
  /** Share of one core spent in the agent's ticks and hooks since the previous reading, 0..1. */
  readonly share: number;
  /** Microseconds of CPU that one more finished task costs, without its tick's fixed cost; NaN while there were none. */
  readonly perTask: number;
  /** Delay of the scheduler's event loop, seconds. */
  readonly loopLag: Duration;
}

/** Something that happened to the cluster, for people to read. */
export interface LogEntry {
  readonly time: Seconds;
  readonly topic: string;
  readonly text: string;
}
