import { TaskglassError } from '../../base/errors.ts';
import type { ClusterAction, ClusterActionName } from '../../model/cluster-action.ts';
import type { Scheduler } from './scheduler.ts';
import type { Task, TaskState } from './task.ts';

/** What can be done to a cluster of this engine from outside: its workers start again by themselves and are never retired. */
export const TASK_ACTIONS = [
  'cancel-task',
  'retry-task',
  'rerun-task',
  'restart-task',
] as const satisfies readonly ClusterActionName[];
type TaskAction = (typeof TASK_ACTIONS)[number];

/** Why a task that is in this state cannot be run again the way that was asked for. */
const STATES: Readonly<Record<TaskState, string>> = {
  released: 'nobody needs its result any more, and it was let go',
  waiting: 'it waits for what it needs, and has not run',
  'no-worker': 'no worker may run it, and it has not run',
  queued: 'it is queued, and has not run',
  processing: 'it is running',
  memory: 'it has finished',
  erred: 'it has erred',
  forgotten: 'the scheduler has it no more',
};

/** Does it and says what came of it. @throws NOT_FOUND, ACTION_FAILED */
export function actOn(scheduler: Scheduler, { name, target }: ClusterAction): string {
  if (!isTaskAction(name)) throw new TaskglassError('ACTION_FAILED', `the embedded engine has no ${name}`);
  const task = scheduler.tasks.get(target);
  if (task === undefined) {
    throw new TaskglassError('NOT_FOUND', 'the scheduler has no task of that key, or has it no more');
  }
  switch (name) {
    case 'cancel-task': {
      const others = scheduler.cancel([task]).size - 1;
      return others === 0 ? 'the task was cancelled' : `the task was cancelled, and ${others} that depended on it`;
    }
    case 'retry-task':
      if (task.state !== 'erred') throw new TaskglassError('ACTION_FAILED', 'the task is not erred');
      scheduler.retry(task);
      return 'it runs again, with what made it err';
    case 'rerun-task':
      return rerun(scheduler, task);
    case 'restart-task':
      expectState(task, 'processing');
      scheduler.rerun(task);
      return 'it was stopped and begins anew';
  }
}

function rerun(scheduler: Scheduler, task: Task): string {
  expectState(task, 'memory');
  const needed = neededAgain(task);
  const users = [...task.waiters].filter(({ state }) => state !== 'waiting').length;
  scheduler.rerun(task);
  const what = needed === 0 ? '' : ` with ${needed} that it needs`;
  const who = users === 0 ? '' : `; ${users} that had its result wait for it again`;
  return `its result was dropped, and it runs again${what}${who}`;
}

/** How many tasks have to be computed once more before this one can be. */
function neededAgain(task: Task): number {
  const seen = new Set([task]);
  for (const one of seen) {
    for (const input of one.dependencies) {
      if (input.state === 'erred') {
        throw new TaskglassError('ACTION_FAILED', 'something that it needs has erred: that can be retried');
      }
      if (input.state === 'released') seen.add(input);
    }
  }
  return seen.size - 1;
}

function expectState(task: Task, state: TaskState): void {
  if (task.state !== state) throw new TaskglassError('ACTION_FAILED', STATES[task.state]);
}

function isTaskAction(name: ClusterActionName): name is TaskAction {
  return (TASK_ACTIONS as readonly ClusterActionName[]).includes(name);
}
