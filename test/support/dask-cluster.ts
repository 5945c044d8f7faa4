import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DASK_VERSIONS, venvCommand } from '../../scripts/lib/python.mjs';
import { Child } from './child.ts';
import { ROOT } from './project-files.ts';
import { until } from './until.ts';

export type DaskVersion = (typeof DASK_VERSIONS)[number];

export interface DaskClusterOptions {
  readonly version?: DaskVersion;
  readonly workers?: number;
  readonly threads?: number;
  /** 0: any free one. */
  readonly port?: number;
  /** True: Dask's own dashboard too, on a free port. */
  readonly dashboard?: boolean;
  /** True: each worker has a nanny, which starts it again. */
  readonly nanny?: boolean;
  /** Further arguments of `dask scheduler`. */
  readonly schedulerArgs?: readonly string[];
  /** Dask's configuration as it names it: `{'distributed.scheduler.worker-saturation': 'inf'}`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Further environment of its processes. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A real, unmodified Dask cluster of processes on this machine, and clients on it. `await using` ends it. */
export class DaskCluster implements AsyncDisposable {
  readonly version: DaskVersion;
  readonly folder: string;
  readonly workers: Child[] = [];
  readonly #children = new Set<Child>();
  readonly #options: DaskClusterOptions;
  #scheduler: Child | undefined;
  #address = '';
  #dashboard = 0;

  private constructor(options: DaskClusterOptions) {
    this.#options = options;
    this.version = options.version ?? DASK_VERSIONS[0];
    this.folder = mkdtempSync(path.join(tmpdir(), 'taskglass-dask-'));
    if (!existsSync(venvCommand('python', this.version))) {
      throw new Error(`Dask ${this.version} is not installed: run npm test once, which installs it.`);
    }
  }

  /** Starts a scheduler and its workers, and waits until every worker has registered. */
  static async start(options: DaskClusterOptions = {}): Promise<DaskCluster> {
    const cluster = new DaskCluster(options);
    try {
      await cluster.startScheduler(options.port ?? 0);
      await Promise.all(Array.from({ length: options.workers ?? 2 }, (_, i) => cluster.startWorker(`worker-${i}`)));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As Dask prints it: `tcp://127.0.0.1:PORT`. */
  get address(): string {
    return this.#address;
  }
  get port(): number {
    return Number(this.#address.split(':').at(-1));
  }
  /** The port of Dask's own dashboard. */
  get dashboardPort(): number {
    return this.#dashboard;
  }
  get scheduler(): Child {
    if (this.#scheduler === undefined) throw new Error('The scheduler has not been started.');
    return this.#scheduler;
  }

  /** Starts the scheduler; after `scheduler.kill()` call it with the `port` it had to bring it back there. */
  async startScheduler(port: number): Promise<void> {
    // Without a dashboard it still opens that port, for its other pages.
    const dashboard = [
      '--dashboard-address',
      '127.0.0.1:0',
      this.#options.dashboard ? '--dashboard' : '--no-dashboard',
    ];
    const more = this.#options.schedulerArgs ?? [];
    const child = this.#dask(['scheduler', '--host', '127.0.0.1', '--port', String(port), ...dashboard, ...more]);
    const [, address = ''] = await child.printed(/Scheduler at:\s+(tcp:\/\/\S+)/);
    this.#scheduler = child;
    this.#address = address;
    if (this.#options.dashboard) {
      const [, dashboardPort] = await child.printed(/dashboard at:\s+http:\/\/[^:\s]+:(\d+)/);
      this.#dashboard = Number(dashboardPort);
    }
  }

  /** Starts one worker process; without a nanny, killed is gone. */
  async startWorker(name: string): Promise<Child> {
    const threads = String(this.#options.threads ?? 2);
    const nanny = this.#options.nanny ? '--nanny' : '--no-nanny';
    const options = ['--name', name, '--nthreads', threads, nanny, '--no-dashboard', '--memory-limit', '1GiB'];
    const child = this.#dask([
      'worker',
      this.#address,
      '--host',
      '127.0.0.1',
      ...options,
      '--local-directory',
      this.folder,
    ]);
    await child.printed(/Registered to:/);
    this.workers.push(child);
    return child;
  }

  /** A client process that runs Python source. */
  async client(): Promise<DaskDriver> {
    return await DaskDriver.connect(
      this.#track(this.python([path.join(ROOT, 'test/support/dask_driver.py'), this.#address])),
    );
  }

  /** A Python process with this cluster's version of Dask. The caller ends it. */
  python(args: readonly string[]): Child {
    return new Child(venvCommand('python', this.version), args, { cwd: this.folder, env: this.#env() });
  }

  #dask(args: readonly string[]): Child {
    return this.#track(this.python(['-m', 'dask', ...args]));
  }

  #track(child: Child): Child {
    this.#children.add(child);
    return child;
  }

  #env(): Record<string, string> {
    const settings = Object.entries(this.#options.config ?? {}).map(([name, value]) => [
      `DASK_${name.toUpperCase().replaceAll('.', '__').replaceAll('-', '_')}`,
      value,
    ]);
    return {
      PYTHONUNBUFFERED: '1',
      PYTHONWARNINGS: 'ignore',
      DASK_CONFIG: this.folder,
      ...Object.fromEntries(settings),
      ...this.#options.environment,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A Dask client in a process of its own (`dask_driver.py`); ends with its cluster. */
export class DaskDriver implements AsyncDisposable {
  readonly #child: Child;
  #asked = 1;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async connect(child: Child): Promise<DaskDriver> {
    await child.printed(/\{"ready": true\}/);
    return new DaskDriver(child);
  }

  /** Runs Python source; the value of its last expression, as JSON allows. Throws what Python raised. */
  async run<T = unknown>(source: string, within = 120_000): Promise<T> {
    this.#child.write(`${JSON.stringify(source)}\n`);
    const index = this.#asked++;
    const line = await until(
      `an answer to ${source}`,
      () => {
        const answers = this.#child.output.split('\n').filter((text) => /^\{"(ready|value|error)":/.test(text));
        if (answers.length <= index && this.#child.exited) throw new Error(this.#child.output);
        return answers.length > index ? answers[index] : undefined;
      },
      { within },
    );
    const answer = JSON.parse(line) as { value?: T; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.kill();
  }
}
