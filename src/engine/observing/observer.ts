import type { FinishedTask } from '../../model/finished-task.ts';
import type { Bytes, Duration, Seconds } from '../../model/units.ts';
import type { WorkerReadings } from '../protocol.ts';

/**
 * Someone who watches a cluster. Every method is optional and called in the scheduler's own process, in order; it
 * must be quick and must not throw. Times are epoch seconds.
 *
 * A new observer is first told of the workers, functions and running tasks that are there.
 */
export interface ClusterObserver {
  /** A task ran to its end. Once per execution. */
  finished?(task: FinishedTask): void;
  /** A task has been running for a little while (about 50 ms). */
  running?(task: RunningTaskInfo): void;
  /** A task reported as running was taken back: released, cancelled, or it is to be run again. */
  ended?(key: string): void;
  /** Counts of a function changed. Always the same object for a function, for reading only. */
  counted?(counts: FunctionTotals): void;
  workerAdded?(worker: WorkerDescription): void;
  workerRemoved?(worker: WorkerDescription): void;
  /** A worker's status or load may have changed, or it sent a heartbeat. The same object each time. */
  workerChanged?(worker: WorkerDescription): void;
  heartbeat?(worker: WorkerDescription, heartbeat: Heartbeat): void;
  /**
   * Told to those who watch from another process and could not keep up: tasks finished unseen. What runs now is told
   * anew after it; whatever was told to run before does not any more.
   */
  missed?(gap: MissedTasks): void;
  /** Something for people to read. */
  log?(entry: { readonly time: Seconds; readonly topic: string; readonly text: string }): void;
  /** The cluster is closed; nothing follows. */
  closed?(): void;
}

export interface MissedTasks {
  readonly since: Seconds;
  readonly until: Seconds;
  readonly size: number;
}

export interface RunningTaskInfo {
  readonly key: string;
  readonly prefix: string;
  readonly worker: string;
  readonly start: Seconds;
}

export interface FunctionTotals {
  readonly name: string;
  /** One number per state, in the order of SCHEDULER_STATES. */
  readonly counts: Readonly<Uint32Array>;
  /** Tasks that completed and were forgotten, since the cluster started. */
  readonly forgotten: number;
  readonly nbytes: Bytes;
}

export interface WorkerDescription {
  readonly address: string;
  readonly name: string;
  readonly nthreads: number;
  readonly memoryLimit: Bytes;
  readonly pid: number;
  /** Ports by name, e.g. of its debug pages. */
  readonly services: Readonly<Record<string, number>>;
  readonly status: 'running' | 'paused';
  readonly processing: { readonly size: number };
  readonly holds: { readonly size: number };
  readonly occupancy: Duration;
  readonly nbytes: Bytes;
}

export interface Heartbeat {
  readonly time: Seconds;
  readonly readings: WorkerReadings;
}

/** What watching costs the scheduler's process. */
export interface WatchCost {
  /** Of one core, since the previous reading. */
  readonly share: number;
  /** Microseconds for each finished task; NaN while there were none. */
  readonly perTask: number;
}

/** The scheduler as a whole, at one moment. */
export interface SchedulerTotals {
  readonly clients: number;
  readonly idle: number;
  readonly saturated: number;
  readonly occupancy: Duration;
  /** Percent of one core, of the process that the scheduler runs in. */
  readonly cpu: number;
  readonly memory: Bytes;
  /** Mean delay of that process's event loop. */
  readonly loopLag: Duration;
  /** What telling another process of all this costs; absent where the observer is in the same process. */
  readonly cost?: WatchCost;
}
