import type { TaskError } from './source-event.ts';
import type { Action, RecordStatus } from './task-state.ts';
import type { Bytes, Seconds } from './units.ts';

/** One finished execution as an object: what the engine tells its observers, and what a source makes columns of. */
export interface FinishedTask {
  readonly key: string;
  /** The function's name. */
  readonly prefix: string;
  readonly group: string;
  /** The worker's address. */
  readonly worker: string;
  readonly thread: number;
  /** Type of the result; empty for an erred one. */
  readonly type: string;
  readonly status: RecordStatus;
  readonly nbytes: Bytes;
  readonly startstops: readonly {
    readonly action: Action;
    readonly start: Seconds;
    readonly stop: Seconds;
    /** Address of the worker that a transfer came from. */
    readonly source?: string;
  }[];
  readonly error?: TaskError;
  /** When its dependencies were there; absent where that is not known. */
  readonly ready?: Seconds;
  /** How many tasks it depended on, and how many finished tasks before this one in its engine's order those finished that are known. */
  readonly dependencies?: { readonly total: number; readonly back: readonly number[] };
}
