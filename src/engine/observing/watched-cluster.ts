import type { ClusterAction } from '../../model/cluster-action.ts';
import type { DebugIndex, DebugView } from '../../model/debug.ts';
import type { Seconds } from '../../model/units.ts';
import type { DebugTarget } from '../dashboard/messages.ts';
import type { ClusterObserver, SchedulerTotals } from './observer.ts';

/** A cluster as those see it who watch it: the cluster itself, or its other end in the process of the pages. */
export interface WatchedCluster {
  /** Settles when the rest is known; absent where it always is. */
  readonly attached?: Promise<void>;
  readonly id: string;
  readonly address: string;
  readonly started: Seconds;
  readonly services: Readonly<Record<string, number>>;
  readonly closed: boolean;
  observe(observer: ClusterObserver): Disposable;
  totals(): SchedulerTotals;
  /** Null where the cluster was started without its web interface. */
  readonly debug: ClusterDebug | null;
  /** Acts on its tasks: {@link TASK_ACTIONS}. Resolves with what came of it. Rejects with NOT_FOUND, ACTION_FAILED and CLUSTER_CLOSED. */
  act(action: ClusterAction): Promise<string>;
}

/** The debug pages of a cluster's processes. Rejects with NOT_FOUND, DEBUG_UNAVAILABLE and DEBUG_TIMEOUT. */
export interface ClusterDebug {
  index(target: DebugTarget): Promise<DebugIndex>;
  view(target: DebugTarget, topic: string): Promise<DebugView>;
}
