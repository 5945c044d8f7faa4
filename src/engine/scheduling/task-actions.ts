import { TaskglassError } from '../../base/errors.ts';
import type { ClusterAction, ClusterActionName } from '../../model/cluster-action.ts';
import type { Scheduler } from './scheduler.ts';

/** What can be done to a cluster of this engine from outside: its workers start again by themselves and are never retired. */
export const TASK_ACTIONS = ['cancel-task', 'retry-task'] as const satisfies readonly ClusterActionName[];

/** Does it and says what came of it. @throws NOT_FOUND, ACTION_FAILED */
export function actOn(scheduler: Scheduler, { name, target }: ClusterAction): string {
  if (name !== 'cancel-task' && name !== 'retry-task') {
    throw new TaskglassError('ACTION_FAILED', `the embedded engine has no ${name}`);
  }
  const task = scheduler.tasks.get(target);
  if (task === undefined) {
    throw new TaskglassError('NOT_FOUND', 'the scheduler has no task of that key, or has it no more');
  }
  if (name === 'cancel-task') {
    const others = scheduler.cancel([task]).size - 1;
    return others === 0 ? 'the task was cancelled' : `the task was cancelled, and ${others} that depended on it`;
  }
  if (task.state !== 'erred') throw new TaskglassError('ACTION_FAILED', 'the task is not erred');
  scheduler.retry(task);
  return 'the task and what it erred by run again';
}
