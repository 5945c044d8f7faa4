import { STATE_INDEX } from '../../model/task-state.ts';
import type { Duration } from '../../model/units.ts';
import type {
  ErredMessage,
  FetchedMessage,
  FinishedMessage,
  MissingMessage,
  RemoteError,
  RunningMessage,
  ToWorker,
} from '../protocol.ts';
import { Bandwidth, cheapest, choosePlace } from './placement.ts';
import { PriorityQueue } from './priority-queue.ts';
import { Prefix, Task, type TaskFailure, type TaskSpec, type TaskState, type WorkerState } from './task.ts';
import { isNeeded, TRANSITIONS, type TransitionContext } from './transitions.ts';

/** How the scheduler reaches the world. It has no clock, no sockets and no processes of its own. */
export interface SchedulerHooks {
  /** The machine's monotonic clock. */
  now(): Duration;
  send(worker: WorkerState, operation: ToWorker): void;
  /** A task entered `memory` or `erred`, or is gone. */
  settled(task: Task): void;
  counted(prefix: Prefix): void;
  /** A task that ran was taken back. Only tasks with `runningSince`. */
  ended(task: Task): void;
  /** Called before the transition to memory or erred, while the task still knows its worker. */
  finished(task: Task, worker: WorkerState, message: FinishedMessage | ErredMessage): void;
  running(task: Task, worker: WorkerState): void;
  /** A task changed its state. Only where someone keeps count. */
  moved?(task: Task, from: TaskState, to: TaskState): void;
}

/** A task is run again when its worker dies, so often. */
const MOST_RERUNS = 3;
/** So often a task may come back without inputs although their holders live. */
const MOST_MISSING = 50;

/**
 * Dask's scheduler, in one process: tasks, workers and the state machine of {@link TRANSITIONS}. Every public
 * method is one stimulus: when it returns, all that follows from it has happened.
 */
export class Scheduler implements TransitionContext {
  readonly tasks = new Map<string, Task>();
  readonly prefixes = new Map<string, Prefix>();
  readonly workers = new Set<WorkerState>();
  readonly bandwidth = new Bandwidth();
  readonly #hooks: SchedulerHooks;
  readonly #queue = new PriorityQueue<Task>((task) => task.priority);
  readonly #parked = new Set<Task>();
  readonly #missed = new Map<Task, number>();
  #recommended = new Map<Task, TaskState>();
  #priorities = 0;
  #attempts = 0;
  #aborting = false;

  constructor(hooks: SchedulerHooks) {
    this.#hooks = hooks;
  }

  // Stimuli from the client

  /** Adds a task, or finds the one of that key, and holds it once more. */
  submit(spec: TaskSpec): Task {
    let task = this.tasks.get(spec.key);
    if (task === undefined) {
      task = new Task(spec, this.#prefix(spec.fn.prefix), this.#priorities++);
      for (const key of spec.inputs) {
        const input = this.tasks.get(key)!;
        task.dependencies.add(input);
        input.dependents.add(task);
      }
      this.tasks.set(task.key, task);
      this.#count(task, +1);
    }
    task.wanted++;
    if (task.state === 'released') this.#run([[task, 'waiting']]);
    return task;
  }

  /** One future less. */
  release(task: Task): void {
    if (task.wanted === 0) return;
    task.wanted--;
    if (isNeeded(task) || task.state === 'forgotten') return;
    if (task.state !== 'erred') this.#run([[task, 'released']]);
    else if (task.dependents.size === 0) this.#run([[task, 'forgotten']]);
  }

  /** Gives tasks up for everyone, and whatever depends on them. @returns all tasks that were cancelled */
  cancel(tasks: Iterable<Task>): ReadonlySet<Task> {
    const cancelled = new Set<Task>();
    const add = (task: Task): void => {
      if (cancelled.has(task) || task.state === 'forgotten') return;
      for (const dependent of task.dependents) add(dependent);
      cancelled.add(task);
    };
    for (const task of tasks) add(task);
    this.#aborting = true;
    for (const task of cancelled) task.wanted = 0;
    // Dependents come first in the set, so that nothing is recalled as still needed.
    for (const task of cancelled) {
      if (isNeeded(task) || task.state === 'forgotten') continue;
      this.#run([[task, task.state === 'erred' || task.state === 'released' ? 'forgotten' : 'released']]);
    }
    this.#aborting = false;
    return cancelled;
  }

  /** A task that erred runs again, with what it erred by and what erred by it. @returns all of these */
  retry(task: Task): ReadonlySet<Task> {
    const again = new Set<Task>();
    const add = (one: Task): void => {
      if (one.state !== 'erred' || again.has(one)) return;
      // What it erred by comes before it, so that it does not err by that once more.
      for (const input of one.dependencies) add(input);
      again.add(one);
      for (const dependent of one.dependents) add(dependent);
    };
    add(task);
    for (const one of again) one.suspicious = 0;
    this.#run([...again].map((one) => [one, 'released'] as const));
    return again;
  }

  /** A task that finished or runs begins anew: its result is dropped, or its run stopped, and what it needs and is gone is computed too. */
  rerun(task: Task): void {
    task.suspicious = 0;
    this.#run([[task, 'released']]);
  }

  // Stimuli from workers

  addWorker(worker: WorkerState): void {
    this.workers.add(worker);
    this.#wakeParked();
    this.#fillSlots();
  }

  /** The worker is gone with all that it did and held. */
  removeWorker(worker: WorkerState, reason: string): void {
    this.workers.delete(worker);
    const next: [Task, TaskState][] = [];
    for (const task of [...worker.processing]) {
      task.suspicious++;
      if (task.suspicious > MOST_RERUNS) {
        task.failure = killedWorker(task, worker, reason);
        const { key, attempt, failure } = task;
        this.#hooks.finished(task, worker, {
          op: 'erred',
          key,
          attempt,
          thread: 0,
          startstops: [],
          error: failure.error,
        });
        next.push([task, 'erred']);
      } else {
        next.push([task, 'released']);
      }
    }
    for (const task of [...worker.holds]) {
      this.#unhold(task, worker);
      if (task.holders.size === 0) next.push([task, 'released']);
    }
    this.#run(next);
  }

  setStatus(worker: WorkerState, status: 'running' | 'paused'): void {
    worker.status = status;
    if (status === 'running') this.#wakeParked();
    this.#fillSlots();
  }

  finished(worker: WorkerState, message: FinishedMessage): void {
    const task = this.#current(worker, message);
    if (task === undefined) return;
    task.nbytes = message.nbytes;
    task.type = message.type;
    this.#observe(task, message);
    this.#hooks.finished(task, worker, message);
    task.runningSince = 0;
    this.#run([[task, 'memory']]);
  }

  erred(worker: WorkerState, message: ErredMessage): void {
    const task = this.#current(worker, message);
    if (task === undefined) return;
    if (task.retriesLeft > 0) {
      task.retriesLeft--;
      this.#run([[task, 'released']]);
      return;
    }
    task.failure = { code: 'TASK_ERRED', key: task.key, error: message.error };
    this.#hooks.finished(task, worker, message);
    task.runningSince = 0;
    this.#run([[task, 'erred']]);
  }

  fetched(worker: WorkerState, message: FetchedMessage): void {
    for (const { key, attempt } of message.results) {
      const task = this.tasks.get(key);
      if (task?.state === 'memory' && task.attempt === attempt) {
        if (task.holders.has(worker)) continue;
        this.#hold(task, worker);
      } else {
        this.#hooks.send(worker, { op: 'drop', key, attempt, abort: false });
      }
    }
  }

  missing(worker: WorkerState, message: MissingMessage): void {
    const task = this.#current(worker, message);
    if (task === undefined) return;
    const next: [Task, TaskState][] = [];
    for (const { key, attempt, holder } of message.absent) {
      const input = this.tasks.get(key);
      if (input?.state !== 'memory' || input.attempt !== attempt) continue;
      for (const state of input.holders) if (state.address === holder) this.#unhold(input, state);
      if (input.holders.size === 0) next.push([input, 'released']);
    }
    const times = (this.#missed.get(task) ?? 0) + 1;
    this.#missed.set(task, times);
    if (times > MOST_MISSING) {
      const text = `its inputs could not be fetched (tried ${times} times)`;
      task.failure = { code: 'TASK_ERRED', key: task.key, error: { name: 'Error', message: text, stack: text } };
      next.push([task, 'erred']);
    } else {
      next.push([task, 'released']);
    }
    this.#run(next);
  }

  started(worker: WorkerState, message: RunningMessage): void {
    for (const { key, attempt, start } of message.tasks) {
      const task = this.#current(worker, { key, attempt });
      if (task === undefined) continue;
      task.runningSince = start;
      this.#hooks.running(task, worker);
    }
  }

  // What debug pages ask

  /** The queued tasks that come next, in their order. */
  nextQueued(most: number): Task[] {
    return [...new Set(this.#queue.first(most))].filter((task) => task.state === 'queued');
  }

  /** Tasks that no worker may run now. */
  get parked(): ReadonlySet<Task> {
    return this.#parked;
  }

  // What transitions need (TransitionContext)

  sendToWorker(task: Task): void {
    const worker = this.#place(task)!;
    task.worker = worker;
    task.attempt = ++this.#attempts;
    task.expected = task.prefix.duration;
    worker.processing.add(task);
    worker.occupancy += task.expected;
    const { fn, args, token, inputs } = task.spec;
    const known = worker.functions.has(fn.id);
    worker.functions.add(fn.id);
    this.#hooks.send(worker, {
      op: 'compute',
      key: task.key,
      attempt: task.attempt,
      functionId: fn.id,
      ...(known ? {} : { definition: fn.definition }),
      args,
      token,
      inputs: inputs.map((key) => {
        const { attempt, nbytes, holders } = this.tasks.get(key)!;
        return { key, attempt, nbytes, holders: [...holders].map((holder) => holder.address) };
      }),
    });
  }

  takeBack(task: Task, abort: boolean): void {
    const worker = this.#leaveWorker(task);
    if (this.workers.has(worker)) {
      this.#hooks.send(worker, {
        op: 'drop',
        key: task.key,
        attempt: task.attempt,
        abort: abort || this.#aborting,
      });
      // What ran on a worker that is gone ends with the worker.
      if (task.runningSince > 0) this.#hooks.ended(task);
    }
    task.runningSince = 0;
  }

  keepResult(task: Task): void {
    const worker = this.#leaveWorker(task);
    task.prefix.nbytes += task.nbytes;
    this.#hold(task, worker);
    this.#missed.delete(task);
  }

  freeResult(task: Task): void {
    for (const holder of [...task.holders]) {
      this.#unhold(task, holder);
      this.#hooks.send(holder, { op: 'drop', key: task.key, attempt: task.attempt, abort: false });
    }
    task.prefix.nbytes -= task.nbytes;
  }

  enqueue(task: Task): void {
    this.#queue.push(task);
  }

  park(task: Task): void {
    this.#parked.add(task);
  }

  unpark(task: Task): void {
    this.#parked.delete(task);
  }

  remove(task: Task): void {
    this.tasks.delete(task.key);
    this.#missed.delete(task);
    if (task.completed) task.prefix.forgotten++;
  }

  // The machine

  #run(stimuli: Iterable<readonly [Task, TaskState]>): void {
    for (const [task, state] of stimuli) this.#recommended.set(task, state);
    this.#drain();
    this.#fillSlots();
  }

  #drain(): void {
    while (this.#recommended.size > 0) {
      const batch = this.#recommended;
      this.#recommended = new Map();
      for (const [task, state] of batch) {
        // A later recommendation replaces an earlier one.
        if (!this.#recommended.has(task)) this.#transition(task, state);
      }
    }
  }

  #transition(task: Task, wish: TaskState): void {
    if (task.state === 'forgotten' || task.state === wish) return;
    if (wish === 'forgotten' && (isNeeded(task) || task.dependents.size > 0)) return;
    if (wish === 'processing' && task.waitingOn.size > 0) return;
    const to = wish === 'processing' ? this.#readyState(task) : wish;
    if (task.state === to) return;
    if (wish === 'processing' && task.state === 'waiting') task.readySince = this.#hooks.now();
    const direct = TRANSITIONS[`${task.state}>${to}`];
    if (direct === undefined) {
      if (task.state === 'released') throw new Error(`no transition from released to ${to}`);
      this.#transition(task, 'released');
      // What follows from the release decides, unless forgetting was the aim.
      if (to === 'forgotten') this.#recommended.set(task, to);
      return;
    }
    this.#count(task, -1);
    this.#hooks.moved?.(task, task.state, to);
    task.state = to;
    this.#count(task, +1);
    direct(task, this, (other, state) => this.#recommended.set(other, state));
    if (to === 'memory' || to === 'erred' || to === 'forgotten') this.#hooks.settled(task);
  }

  #count(task: Task, by: 1 | -1): void {
    const { state, prefix } = task;
    if (state !== 'forgotten') prefix.counts[STATE_INDEX[state]]! += by;
    this.#hooks.counted(prefix);
  }

  #readyState(task: Task): 'processing' | 'queued' | 'no-worker' {
    let any = false;
    let open = false;
    for (const worker of this.#candidates(task)) {
      any = true;
      open ||= worker.open;
    }
    if (!any) return 'no-worker';
    if (task.spec.workers !== null) return 'processing';
    // With others queued its turn comes by priority.
    return task.state === 'queued' ? 'processing' : open && this.#queue.size === 0 ? 'processing' : 'queued';
  }

  #place(task: Task): WorkerState | null {
    const candidates = this.#candidates(task);
    return task.spec.workers === null
      ? (choosePlace(task, candidates, this.bandwidth) ?? cheapest(task, candidates, this.bandwidth))
      : cheapest(task, candidates, this.bandwidth);
  }

  /** Running workers that may run it. */
  #candidates(task: Task): WorkerState[] {
    const allowed = task.spec.workers;
    return [...this.workers].filter(
      ({ status, name, address }) =>
        status === 'running' && (allowed === null || allowed.has(name) || allowed.has(address)),
    );
  }

  /** Hands queued tasks to workers while any takes more. */
  #fillSlots(): void {
    while (this.#queue.size > 0 && this.#anyOpen()) {
      const task = this.#queue.pop()!;
      // Left the queue by another way since.
      if (task.state !== 'queued') continue;
      this.#recommended.set(task, 'processing');
      this.#drain();
    }
  }

  #anyOpen(): boolean {
    for (const worker of this.workers) if (worker.open) return true;
    return false;
  }

  #wakeParked(): void {
    const parked = [...this.#parked].sort((a, b) => a.priority - b.priority);
    for (const task of parked) this.#run([[task, 'processing']]);
  }

  /** The task that a worker's message is about, unless the message is stale. */
  #current(worker: WorkerState, message: { readonly key: string; readonly attempt: number }): Task | undefined {
    const task = this.tasks.get(message.key);
    return task?.worker === worker && task.attempt === message.attempt ? task : undefined;
  }

  #observe(task: Task, message: FinishedMessage): void {
    for (const { action, start, stop, nbytes } of message.startstops) {
      if (action === 'compute') task.prefix.observe(stop - start);
      else if (nbytes !== undefined) this.bandwidth.observe(nbytes, stop - start);
    }
  }

  #leaveWorker(task: Task): WorkerState {
    const worker = task.worker!;
    worker.processing.delete(task);
    worker.occupancy = worker.processing.size === 0 ? 0 : worker.occupancy - task.expected;
    task.worker = null;
    return worker;
  }

  #hold(task: Task, worker: WorkerState): void {
    task.holders.add(worker);
    worker.holds.add(task);
    worker.nbytes += task.nbytes;
  }

  #unhold(task: Task, worker: WorkerState): void {
    task.holders.delete(worker);
    worker.holds.delete(task);
    worker.nbytes -= task.nbytes;
  }

  #prefix(name: string): Prefix {
    let prefix = this.prefixes.get(name);
    if (prefix === undefined) {
      prefix = new Prefix(name);
      this.prefixes.set(name, prefix);
    }
    return prefix;
  }
}

function killedWorker(task: Task, worker: WorkerState, reason: string): TaskFailure {
  const message =
    `Attempted to run task "${task.key}" on ${task.suspicious} different workers, but all those workers died while ` +
    `running it. The last worker was ${worker.name} (${worker.address}): ${reason}.`;
  const error: RemoteError = { name: 'KilledWorker', message, stack: `KilledWorker: ${message}` };
  return { code: 'KILLED_WORKER', key: task.key, error };
}
