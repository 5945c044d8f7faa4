import { deserialize } from 'node:v8';
import { TaskglassError } from '../base/errors.ts';
import type { ClusterCore } from './cluster-core.ts';
import type { RemoteError } from './protocol.ts';
import type { Task, TaskFailure } from './scheduling/task.ts';

/** Dask's words. */
export type FutureStatus = 'pending' | 'finished' | 'error' | 'cancelled';

/** A holder that is there but does not hand out a result is asked again, so often and after so long. */
const MOST_FETCHES = 100;
const FETCH_AGAIN_MS = 100;

/**
 * A result that is or will be in the memory of a worker. The worker keeps it until the last future of it is
 * released, by {@link release} or by leaving the block of a `using` declaration.
 */
export class Future<T = unknown> implements Disposable {
  readonly key: string;
  /** @internal */
  readonly task: Task;
  /** @internal */
  readonly core: ClusterCore;
  readonly #forget: (future: Future) => void;
  #state: 'held' | 'released' | 'cancelled' = 'held';
  /** Only for the compiler. */
  declare readonly type: T;

  /** @internal Futures are made by a client. */
  constructor(core: ClusterCore, task: Task, forget: (future: Future) => void) {
    this.core = core;
    this.task = task;
    this.key = task.key;
    this.#forget = forget;
  }

  get status(): FutureStatus {
    if (this.#state !== 'held' || this.task.state === 'forgotten' || this.core.closed) return 'cancelled';
    if (this.task.state === 'memory') return 'finished';
    return this.task.state === 'erred' ? 'error' : 'pending';
  }

  /** Whether it is over, one way or another. */
  get done(): boolean {
    return this.status !== 'pending';
  }

  /**
   * The result, once it is there.
   *
   * @throws TASK_ERRED (with the remote exception and its stack as `cause`), KILLED_WORKER, TASK_CANCELLED,
   * FUTURE_RELEASED, CLUSTER_CLOSED
   */
  async result(): Promise<T> {
    for (let fetches = 0; ; ) {
      this.assertUsable();
      const { state, failure } = this.task;
      if (state === 'erred' && failure !== null) throw toError(failure);
      if (state === 'memory') {
        const data = await this.core.fetch(this.task);
        if (data !== null) return deserialize(data) as T;
        if (++fetches > MOST_FETCHES) throw new TaskglassError('INTERNAL', `no worker gave the result of ${this.key}`);
        await Promise.race([this.core.changed(this.task), pause(FETCH_AGAIN_MS)]);
      } else {
        await this.core.changed(this.task);
      }
    }
  }

  /** Resolves when the task is finished, erred, cancelled or released. Never rejects. */
  async wait(): Promise<void> {
    while (!this.done) await this.core.changed(this.task);
  }

  /** Lets go of the result. Idempotent. */
  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'released';
    this.#forget(this);
    if (!this.core.closed) this.core.scheduler.release(this.task);
    this.core.wake(this.task);
  }

  /** Stops the task, and whatever depends on it, for everyone. */
  cancel(): void {
    this.assertUsable();
    this.core.scheduler.cancel([this.task]);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** @internal @throws what {@link result} throws for a future that has no result to come */
  assertUsable(): void {
    this.core.assertOpen();
    if (this.#state === 'released') throw new TaskglassError('FUTURE_RELEASED', this.key);
    if (this.task.state === 'forgotten') throw new TaskglassError('TASK_CANCELLED', this.key);
  }
}

function toError(failure: TaskFailure): TaskglassError {
  const { code, key, error } = failure;
  return new TaskglassError(code, `${key}: ${error.name}: ${error.message}`, { cause: remoteError(error) });
}

/** An error like the one that was thrown in the worker, with the stack it had there. */
function remoteError({ name, message, stack, code }: RemoteError): Error {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  if (code !== undefined) Object.defineProperty(error, 'code', { value: code, configurable: true, writable: true });
  return error;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
