/** `taskglass/engine`: a cluster on one machine, with Dask's words. */
export { TaskglassError } from '../base/errors.ts';
export type { FinishedTask } from '../model/finished-task.ts';
export { Client, type Deferred, type Gathered, type Runnable } from './client.ts';
export type { DashboardOptions } from './dashboard/options.ts';
export { runExample } from './example.ts';
export { type AnyFunction, ModuleFunction, moduleFunction } from './functions/function-ref.ts';
export { Future, type FutureStatus } from './future.ts';
export { LocalCluster } from './local-cluster.ts';
export type {
  ClusterObserver,
  FunctionTotals,
  Heartbeat,
  MissedTasks,
  RunningTaskInfo,
  SchedulerTotals,
  WorkerDescription,
} from './observing/observer.ts';
export type { ClusterDebug, WatchedCluster } from './observing/watched-cluster.ts';
export type { LocalClusterOptions } from './options.ts';
export type { WorkerReadings } from './protocol.ts';
export type { SchedulerInfo, WorkerInfoEntry } from './scheduler-info.ts';
export { type TaskOptions, type TaskOptionsInit, taskOptions } from './task-options.ts';
