import type { ClusterAction } from '../model/cluster-action.ts';
import { Client } from './client.ts';
import { ClusterCore } from './cluster-core.ts';
import { PagesProcess } from './dashboard/pages-process.ts';
import type { ClusterObserver, SchedulerTotals, WorkerDescription } from './observing/observer.ts';
import type { ClusterDebug, WatchedCluster } from './observing/watched-cluster.ts';
import { type LocalClusterOptions, settingsOf } from './options.ts';
import { actOn } from './scheduling/task-actions.ts';

/** What only the demo asks for. */
interface LaunchExtras {
  /** Offered as a button, and run once at the start. */
  readonly example?: (client: Client) => Promise<unknown>;
  /** Aborted while it starts: everything is ended, and the start fails. */
  readonly signal?: AbortSignal;
}

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
export class LocalCluster implements AsyncDisposable, WatchedCluster {
  /** @internal Shared with clients and sources of the same package. */
  readonly core: ClusterCore;

  private constructor(core: ClusterCore) {
    this.core = core;
  }

  /**
   * Starts the workers and the web interface, and prints where that is (on standard error: standard output is the program's).
   *
   * @throws OPTION_INVALID, WORKER_START_FAILED; PORT_TAKEN, PORT_FORBIDDEN and EXPOSED_WITHOUT_TOKEN for its `dashboard`
   */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const cluster = await LocalCluster.launch(options);
    if (cluster.dashboardLink !== null) process.stderr.write(`Taskglass UI at: ${cluster.dashboardLink}\n`);
    return cluster;
  }

  /** @internal As {@link start}, and prints nothing. */
  static async launch(options: LocalClusterOptions, extras: LaunchExtras = {}): Promise<LocalCluster> {
    const core = new ClusterCore(settingsOf(options));
    const cluster = new LocalCluster(core);
    const { dashboard } = core.settings;
    const started = core.start();
    const { example } = extras;
    const ready = () => started.then(() => example!(cluster.client()));
    const pages = dashboard === null ? null : new PagesProcess(core, dashboard, example === undefined ? null : ready);
    core.pages = pages;
    const all = Promise.all([started.then(() => pages?.attach()), pages?.served()]);
    try {
      await (extras.signal === undefined ? all : Promise.race([all, aborted(extras.signal)]));
    } catch (error) {
      all.catch(() => {});
      await core.close();
      throw error;
    }
    return cluster;
  }

  /** The scheduler's id: another one for every cluster. */
  get id(): string {
    return this.core.id;
  }

  /** `inproc://…`: the scheduler is reached from inside its process only. */
  get address(): string {
    return this.core.address;
  }

  /** When the scheduler started: seconds since epoch. */
  get started(): number {
    return this.core.started;
  }

  /** Ports by name that the scheduler's process and that of its pages listen on. */
  get services(): Readonly<Record<string, number>> {
    return this.core.services;
  }

  /** Where the web interface is, e.g. `http://127.0.0.1:8787/status`; null while there is none. */
  get dashboardLink(): string | null {
    return this.core.pages?.url ?? null;
  }

  /** @internal */
  get debug(): ClusterDebug | null {
    return this.core.debug;
  }

  /** @internal What its pages may do, where they may. */
  async act(action: ClusterAction): Promise<string> {
    this.core.assertOpen();
    return actOn(this.core.scheduler, action);
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

  /** Ends all workers. What is still waited for rejects with CLUSTER_CLOSED. Idempotent. */
  close(): Promise<void> {
    return this.core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Rejects once the signal is given. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_never, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
