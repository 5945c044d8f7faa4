import type { ErrorCode } from '../../base/errors.ts';
import type { ClusterAction } from '../../model/cluster-action.ts';
import type { DebugIndex, DebugView } from '../../model/debug.ts';
import type { LogEntry } from '../../model/source-event.ts';
import type { Duration, Seconds } from '../../model/units.ts';
import type { Heartbeat, MissedTasks, RunningTaskInfo, SchedulerTotals } from '../observing/observer.ts';
import type { FinishedRows } from './finished-rows.ts';
import type { DashboardSettings } from './options.ts';

/**
 * What the scheduler's process and the process of the pages say to each other, over the channel that
 * `child_process.fork` makes. Both are of one version: one starts the other.
 */
export type ToPages =
  | { readonly op: 'serve'; readonly settings: ServeSettings }
  | HelloMessage
  | BatchMessage
  | { readonly op: 'answer'; readonly id: number; readonly value: Answer }
  | { readonly op: 'refusal'; readonly id: number; readonly failure: Failure }
  | { readonly op: 'closed' }
  | { readonly op: 'close' };

/** To a question about debug pages; what came of an action; null: it is done. */
export type Answer = DebugIndex | DebugView | string | null;

export type FromPages =
  | { readonly op: 'ready'; readonly port: number; readonly url: string }
  | { readonly op: 'failed'; readonly failure: Failure }
  /** A hello or a batch was taken. */
  | { readonly op: 'taken' }
  | { readonly op: 'debug'; readonly id: number; readonly target: DebugTarget; readonly topic: string | null }
  | { readonly op: 'act'; readonly id: number; readonly action: ClusterAction }
  | { readonly op: 'example'; readonly id: number };

/** Whose debug pages: the scheduler's, or those of the worker with this name or address. */
export type DebugTarget = { readonly role: 'scheduler' } | { readonly role: 'worker'; readonly worker: string };

/** An error as it crosses a channel: structured clones forget its class. */
export interface Failure {
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface ServeSettings extends DashboardSettings {
  /** The button "Run example" is offered. */
  readonly example: boolean;
  readonly exampleAtStart: boolean;
}

/** Which cluster it is. First of all, and again after batches were left out: `first` then holds everything anew. */
export interface HelloMessage {
  readonly op: 'hello';
  readonly id: string;
  readonly address: string;
  readonly started: Seconds;
  /** Makes epoch seconds of the machine's monotonic clock. */
  readonly clockOffset: Duration;
  readonly services: Readonly<Record<string, number>>;
  readonly missed: MissedTasks | null;
  readonly first: BatchMessage;
}

/** What an observer was told since the message before. Absent parts: nothing of the kind. */
export interface BatchMessage {
  readonly op: 'batch';
  /** In the order in which they came and went. */
  readonly workers?: readonly (WorkerFacts | { readonly removed: string })[];
  readonly finished?: FinishedRows;
  readonly ended?: readonly string[];
  readonly running?: readonly RunningTaskInfo[];
  readonly functions?: FunctionRows;
  readonly loads?: readonly WorkerLoad[];
  readonly log?: readonly LogEntry[];
  readonly totals?: SchedulerTotals;
}

export interface WorkerFacts {
  readonly address: string;
  readonly name: string;
  readonly nthreads: number;
  readonly memoryLimit: number;
  readonly pid: number;
  readonly services: Readonly<Record<string, number>>;
}

/** What changes of a worker. */
export interface WorkerLoad {
  readonly address: string;
  readonly status: 'running' | 'paused';
  readonly processing: number;
  readonly holds: number;
  readonly occupancy: Duration;
  readonly nbytes: number;
  readonly heartbeat?: Heartbeat;
}

/** Absolute counts, a row a function. */
export interface FunctionRows {
  readonly names: readonly string[];
  /** STATE_COUNT numbers a row. */
  readonly counts: Uint32Array;
  readonly forgotten: Float64Array;
  readonly nbytes: Float64Array;
}
