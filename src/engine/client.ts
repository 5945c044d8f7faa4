import { randomUUID } from 'node:crypto';
import { serialize } from 'node:v8';
import { TaskglassError } from '../base/errors.ts';
import type { Seconds } from '../model/units.ts';
import { epochNow } from './clock.ts';
import type { ClusterCore } from './cluster-core.ts';
import { type AnyFunction, functionRef, type ModuleFunction } from './functions/function-ref.ts';
import { Future } from './future.ts';
import type { LocalCluster } from './local-cluster.ts';
import { type SchedulerInfo, schedulerInfo } from './scheduler-info.ts';
import type { TaskSpec } from './scheduling/task.ts';
import { TaskOptions } from './task-options.ts';
import { mapNested, someNested } from './worker/nested.ts';

/** A function of these types, here or in a module. */
export type Runnable<A extends unknown[], R> = ((...args: A) => R) | ModuleFunction<(...args: A) => R>;

/** A value, or a future of it, at any depth. */
export type Deferred<T> =
  | T
  | Future<T>
  | (T extends readonly unknown[]
      ? { readonly [K in keyof T]: Deferred<T[K]> }
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Deferred<K>, Deferred<V>>
        : T extends ReadonlySet<infer E>
          ? ReadonlySet<Deferred<E>>
          : T extends object
            ? { readonly [K in keyof T]: Deferred<T[K]> }
            : never);

/** What becomes of a value when the futures in it are replaced by their results. */
export type Gathered<T> =
  T extends Future<infer R>
    ? R
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: Gathered<T[K]> }
      : T extends ReadonlyMap<infer K, infer V>
        ? Map<Gathered<K>, Gathered<V>>
        : T extends ReadonlySet<infer E>
          ? Set<Gathered<E>>
          : T extends Record<string, unknown>
            ? { -readonly [K in keyof T]: Gathered<T[K]> }
            : T;

type DeferredAll<A extends unknown[]> = { [K in keyof A]: Deferred<A[K]> };
type IterableAll<A extends unknown[]> = { [K in keyof A]: Iterable<Deferred<A[K]>> };

/** Submits tasks to a cluster. Dask's words. */
export class Client implements Disposable {
  /** @internal */
  readonly opened: Seconds = epochNow();
  readonly #core: ClusterCore;
  readonly #futures = new Set<Future>();

  constructor(cluster: LocalCluster) {
    this.#core = cluster.core;
    this.#core.assertOpen();
    this.#core.clients.add(this);
  }

  /**
   * Runs `fn(...args)` on a worker. Futures among the arguments, also inside arrays, plain objects, maps and sets, are
   * replaced there by their results. A last argument made by {@link taskOptions} says more about the task.
   *
   * @throws FUNCTION_NOT_PORTABLE, ARGUMENT_NOT_PORTABLE, FUTURE_RELEASED, TASK_CANCELLED, CLUSTER_CLOSED
   */
  submit<A extends unknown[], R>(
    fn: Runnable<A, R>,
    ...args: DeferredAll<A> | [...DeferredAll<A>, TaskOptions]
  ): Future<Awaited<R>> {
    const [rest, options] = TaskOptions.split(args as unknown[]);
    const ref = functionRef(fn as AnyFunction | ModuleFunction, this.#workerGlobals());
    return this.#submit(ref, rest, options, options.key ?? `${ref.prefix}-${randomUUID()}`) as Future<Awaited<R>>;
  }

  /**
   * Runs `fn` once for each element of an iterable, or for each pair, triple… of several; the shortest ends it.
   * With the option `key`, the keys are that and a number.
   *
   * @throws as {@link submit}
   */
  map<A extends unknown[], R>(
    fn: Runnable<A, R>,
    ...iterables: IterableAll<A> | [...IterableAll<A>, TaskOptions]
  ): Future<Awaited<R>>[] {
    const [rest, options] = TaskOptions.split(iterables as unknown[]);
    const ref = functionRef(fn as AnyFunction | ModuleFunction, this.#workerGlobals());
    const rows = zip(rest);
    return rows.map((row, i) => {
      const key = options.key === undefined ? `${ref.prefix}-${randomUUID()}` : `${options.key}-${i}`;
      return this.#submit(ref, row, options, key) as Future<Awaited<R>>;
    });
  }

  /**
   * The value with all futures in it replaced by their results.
   *
   * @throws what the first future that has no result throws
   */
  async gather<const T>(value: T): Promise<Gathered<T>> {
    const futures = new Set<Future>();
    someNested(value, (leaf) => {
      if (leaf instanceof Future) futures.add(leaf);
      return false;
    });
    const results = new Map<unknown, unknown>();
    await Promise.all(
      [...futures].map(async (future) => {
        results.set(future, await future.result());
      }),
    );
    return mapNested(value, (leaf) => (leaf instanceof Future ? results.get(leaf) : leaf)) as Gathered<T>;
  }

  /** Stops the tasks of these futures, and whatever depends on them, for everyone. */
  cancel(futures: Future<unknown> | Iterable<Future<unknown>>): void {
    const list = futures instanceof Future ? [futures] : [...futures];
    this.#core.assertOpen();
    this.#core.scheduler.cancel(list.map((future) => future.task));
  }

  /** The scheduler and its workers, in Dask's shape. */
  schedulerInfo(): SchedulerInfo {
    return schedulerInfo(this.#core);
  }

  /** Where the web interface is, e.g. `http://127.0.0.1:8787/status`; null while there is none. */
  get dashboardLink(): string | null {
    return this.#core.pages?.url ?? null;
  }

  /** @internal Futures that were not released. */
  get held(): number {
    return this.#futures.size;
  }

  /** Releases all futures of this client. The cluster goes on. */
  close(): void {
    for (const future of [...this.#futures]) future.release();
    this.#core.clients.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #workerGlobals(): ReadonlySet<string> {
    this.#core.assertOpen();
    return this.#core.globals;
  }

  #submit(fn: TaskSpec['fn'], args: readonly unknown[], options: TaskOptions, key: string): Future {
    const inputs = new Map<Future, number>();
    let token = '';
    let sent: unknown = args;
    if (someNested(args, (leaf) => leaf instanceof Future)) {
      // No argument of a user can be this by chance.
      token = `${randomUUID()}:`;
      sent = mapNested(args, (leaf) => {
        if (!(leaf instanceof Future)) return leaf;
        if (leaf.core !== this.#core) throw new TaskglassError('OPTION_INVALID', `${leaf.key} is of another cluster`);
        leaf.assertUsable();
        let index = inputs.get(leaf);
        if (index === undefined) {
          index = inputs.size;
          inputs.set(leaf, index);
        }
        return token + index;
      });
    }
    const task = this.#core.scheduler.submit({
      key,
      fn,
      args: serialized(sent, key),
      token,
      inputs: [...inputs.keys()].map((future) => future.key),
      workers: options.workers,
      retries: options.retries,
    });
    const future = new Future(this.#core, task, (released) => this.#futures.delete(released));
    this.#futures.add(future);
    return future;
  }
}

/** @throws ARGUMENT_NOT_PORTABLE */
function serialized(args: unknown, key: string): Uint8Array {
  try {
    return serialize(args);
  } catch (error) {
    throw new TaskglassError('ARGUMENT_NOT_PORTABLE', `${key}: ${(error as Error).message}`, { cause: error });
  }
}

function zip(iterables: readonly unknown[]): unknown[][] {
  const iterators = iterables.map((iterable, i) => {
    const make = (iterable as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator];
    if (typeof make !== 'function') {
      throw new TaskglassError('OPTION_INVALID', `map: argument ${i + 2} is not iterable`);
    }
    return make.call(iterable) as Iterator<unknown>;
  });
  const rows: unknown[][] = [];
  if (iterators.length === 0) return rows;
  for (;;) {
    const row: unknown[] = [];
    for (const iterator of iterators) {
      const next = iterator.next();
      if (next.done === true) {
        for (const other of iterators) if (other !== iterator) other.return?.();
        return rows;
      }
      row.push(next.value);
    }
    rows.push(row);
  }
}
