import type { Task, TaskState } from './task.ts';

/**
 * The scheduler's state machine: every transition there is, in one table. Dask's states and Dask's rules.
 *
 * A transition changes its task and says which transitions of this or other tasks follow from it. Moving a task from
 * one state to another that is not in the table goes by way of `released`.
 */
export const TRANSITIONS: Readonly<Record<string, Transition>> = {
  'released>waiting': startWaiting,
  'released>erred': inheritFailure,
  'released>forgotten': forget,
  'waiting>processing': assign,
  'waiting>queued': enqueue,
  'waiting>no-worker': park,
  'waiting>erred': inheritFailure,
  'waiting>released': release,
  'queued>processing': assign,
  'queued>released': release,
  'no-worker>processing': assign,
  'no-worker>queued': enqueue,
  'no-worker>released': release,
  'processing>memory': store,
  'processing>erred': fail,
  'processing>released': recall,
  'memory>released': dropResult,
  'erred>released': clearFailure,
};

export type Transition = (task: Task, scheduler: TransitionContext, next: Recommend) => void;
type Recommend = (task: Task, state: TaskState) => void;

/** What transitions need of the scheduler. */
export interface TransitionContext {
  /** Chooses the worker and sends the task there. There is one: {@link readyState} said `processing`. */
  sendToWorker(task: Task): void;
  /** Takes the task back from its worker; `abort` stops it even if it runs. */
  takeBack(task: Task, abort: boolean): void;
  /** The task's worker says so: it holds the result. */
  keepResult(task: Task): void;
  /** Frees the result on all its holders. */
  freeResult(task: Task): void;
  enqueue(task: Task): void;
  park(task: Task): void;
  unpark(task: Task): void;
  remove(task: Task): void;
}

/** Somebody waits for it: a future that was not released, or a task that is not finished. */
export function isNeeded(task: Task): boolean {
  return task.wanted > 0 || task.waiters.size > 0;
}

function startWaiting(task: Task, _scheduler: TransitionContext, next: Recommend): void {
  if (!isNeeded(task)) {
    afterRelease(task, next);
    return;
  }
  // Whatever else is to come, an input that is erred decides.
  for (const input of task.dependencies) {
    if (input.state === 'erred') {
      next(task, 'erred');
      return;
    }
  }
  for (const input of task.dependencies) {
    input.waiters.add(task);
    if (input.state === 'memory') continue;
    task.waitingOn.add(input);
    if (input.state === 'released') next(input, 'waiting');
  }
  if (task.waitingOn.size === 0) next(task, 'processing');
}

function inheritFailure(task: Task, scheduler: TransitionContext, next: Recommend): void {
  for (const input of task.dependencies) {
    if (input.failure !== null) task.failure = input.failure;
  }
  task.waitingOn.clear();
  fail(task, scheduler, next);
}

function fail(task: Task, scheduler: TransitionContext, next: Recommend): void {
  if (task.worker !== null) scheduler.takeBack(task, false);
  for (const waiter of task.waiters) next(waiter, 'erred');
  task.waiters.clear();
  letGoOfInputs(task, next);
  if (task.wanted === 0 && task.dependents.size === 0) next(task, 'forgotten');
}

function assign(task: Task, scheduler: TransitionContext): void {
  scheduler.unpark(task);
  scheduler.sendToWorker(task);
}

function enqueue(task: Task, scheduler: TransitionContext): void {
  scheduler.unpark(task);
  scheduler.enqueue(task);
}

function park(task: Task, scheduler: TransitionContext): void {
  scheduler.park(task);
}

function release(task: Task, scheduler: TransitionContext, next: Recommend): void {
  scheduler.unpark(task);
  task.waitingOn.clear();
  afterRelease(task, next);
}

function recall(task: Task, scheduler: TransitionContext, next: Recommend): void {
  // One that is needed and recalled all the same lost an input or its worker: it must not go on with what it has.
  scheduler.takeBack(task, isNeeded(task));
  afterRelease(task, next);
}

function store(task: Task, scheduler: TransitionContext, next: Recommend): void {
  scheduler.keepResult(task);
  task.completed = true;
  for (const waiter of task.waiters) {
    waiter.waitingOn.delete(task);
    if (waiter.state === 'waiting' && waiter.waitingOn.size === 0) next(waiter, 'processing');
  }
  letGoOfInputs(task, next);
  if (!isNeeded(task)) next(task, 'released');
}

function dropResult(task: Task, scheduler: TransitionContext, next: Recommend): void {
  scheduler.freeResult(task);
  for (const waiter of task.waiters) {
    if (waiter.state === 'waiting') waiter.waitingOn.add(task);
    else if (waiter.state !== 'released') next(waiter, 'released');
  }
  afterRelease(task, next);
}

function clearFailure(task: Task, _scheduler: TransitionContext, next: Recommend): void {
  task.failure = null;
  afterRelease(task, next);
}

function forget(task: Task, scheduler: TransitionContext, next: Recommend): void {
  for (const input of task.dependencies) {
    input.dependents.delete(task);
    input.waiters.delete(task);
    if (input.wanted === 0 && input.dependents.size === 0) next(input, 'forgotten');
  }
  scheduler.remove(task);
}

/** A released task that is still needed runs again, and keeps hold of its inputs; one that is not lets them go. */
function afterRelease(task: Task, next: Recommend): void {
  if (isNeeded(task)) {
    next(task, 'waiting');
    return;
  }
  letGoOfInputs(task, next);
  if (task.dependents.size === 0) next(task, 'forgotten');
}

function letGoOfInputs(task: Task, next: Recommend): void {
  for (const input of task.dependencies) {
    if (input.waiters.delete(task) && !isNeeded(input) && input.state !== 'released' && input.state !== 'erred') {
      next(input, 'released');
    }
  }
}
