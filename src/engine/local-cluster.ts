import { Client } from './client.ts';
import { ClusterCore } from './cluster-core.ts';
import type { ClusterObserver, SchedulerTotals, WorkerDescription } from './observer.ts';
import { type LocalClusterOptions, settingsOf } from './options.ts';

/**
 * A cluster on this machine: worker processes, each with a pool of threads, and a scheduler inside this process.
 *
 * ```js
 * const cluster = await LocalCluster.start({ workers: 4, threadsPerWorker: 2 });
 * const client = cluster.client();
 * const total = await client.submit(sum, client.map(inc, [1, 2, 3])).result();
 * await cluster.close();
 * ```
 */
export class LocalCluster implements AsyncDisposable {
  /** @internal Shared with clients and sources of the same package. */
  readonly core: ClusterCore;

  private constructor(core: ClusterCore) {
    this.core = core;
  }

  /** @throws OPTION_INVALID, WORKER_START_FAILED */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const core = new ClusterCore(settingsOf(options));
    await core.start();
    return new LocalCluster(core);
  }

  /** The scheduler's id: another one for every cluster. */
  get id(): string {
    return this.core.id;
  }

  /** `inproc://…`: the scheduler is reached from inside its process only. */
  get address(): string {
    return this.core.address;
  }

  get closed(): boolean {
    return this.core.closed;
  }

  get workers(): readonly WorkerDescription[] {
    return [...this.core.scheduler.workers];
  }

  client(): Client {
    return new Client(this);
  }

  /** Watches the cluster until the result is disposed. Begins with what is there now. */
  observe(observer: ClusterObserver): Disposable {
    this.core.observe(observer);
    return { [Symbol.dispose]: () => this.core.unobserve(observer) };
  }

  /** How many watch. */
  get observers(): number {
    return this.core.observers.size;
  }

  /** Figures of the scheduler; CPU and delay since the previous call. */
  totals(): SchedulerTotals {
    return this.core.totals();
  }

  /** Ports by name that `client.schedulerInfo()` lists, for example where a dashboard listens. */
  setService(name: string, port: number): void {
    this.core.services[name] = port;
  }

  /** Ends all workers. What is still waited for rejects with CLUSTER_CLOSED. Idempotent. */
  close(): Promise<void> {
    return this.core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
