/** What can be done to a cluster from outside, where its owner allows it. Not to be confused with what a task does on a thread. */
export const CLUSTER_ACTIONS = [
  'restart-worker',
  'retire-worker',
  'cancel-task',
  /** One that erred. */
  'retry-task',
  /** One that has finished. */
  'rerun-task',
  /** One that is running. */
  'restart-task',
] as const;
export type ClusterActionName = (typeof CLUSTER_ACTIONS)[number];

/** `target`: the address of a worker, or the key of a task as it is shown. */
export interface ClusterAction {
  readonly name: ClusterActionName;
  readonly target: string;
}

export function isClusterAction(name: string): name is ClusterActionName {
  return (CLUSTER_ACTIONS as readonly string[]).includes(name);
}
