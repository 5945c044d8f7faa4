import type { TaskglassError } from '../../base/errors.ts';
import type { Comm } from './comm/comm.ts';

/** One attachment to a scheduler, whichever way it came about. */
export interface Watch {
  /** Its connection: the watch ends with it. */
  readonly comm: Comm;
  /**
   * Since when the scheduler owes us a sign of life, by `performance.now()`; null while it owes none.
   */
  readonly owedSince: number | null;
  /** Sends the first events: the cluster, then what was missed since an earlier attachment and what is there now. */
  begin(connected: () => void): void;
  /** Goes on sending events. Resolves with why it ended. */
  listen(): Promise<TaskglassError>;
}
