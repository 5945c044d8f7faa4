import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../../scripts/lib/build.mjs';
import { DASK_VERSIONS, venvCommand } from '../../scripts/lib/python.mjs';
import { Child } from '../support/child.ts';
import type { DaskVersion } from '../support/dask-cluster.ts';
import { DaskDriver } from '../support/dask-cluster.ts';
import { freePort } from '../support/ports.ts';
import { ROOT } from '../support/project-files.ts';
import { until } from '../support/until.ts';

export interface PreloadedOptions {
  readonly version?: DaskVersion;
  /** What stands beside `--preload taskglass` on the scheduler's command line. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default tcp. */
  readonly protocol?: 'tcp' | 'tls';
  /** Where Dask's own pages and ours are wanted. Default: one free port for both. */
  readonly port?: number;
}

/** A Dask scheduler that was started with the Python package of this checkout. `await using` ends it. */
export class Preloaded implements AsyncDisposable {
  readonly version: DaskVersion;
  readonly folder = mkdtempSync(path.join(tmpdir(), 'taskglass-preload-'));
  readonly scheduler: Child;
  /** The port that was wanted. */
  readonly port: number;
  readonly #env: Readonly<Record<string, string>>;
  readonly #children: Child[] = [];
  #address = '';

  private constructor(port: number, options: PreloadedOptions) {
    this.version = options.version ?? DASK_VERSIONS[0];
    this.port = port;
    this.#env = options.env ?? {};
    const host = options.host ?? '127.0.0.1';
    const dashboard = ['--dashboard-address', `${host}:${port}`];
    const preload = ['--preload', 'taskglass', '--taskglass-port', String(port), '--taskglass-debug-port', '0'];
    this.scheduler = this.python([
      ...['-m', 'dask', 'scheduler', '--host', host, '--port', '0', '--protocol', options.protocol ?? 'tcp'],
      ...dashboard,
      ...preload,
      ...(options.args ?? []),
    ]);
  }

  /** Returns when the scheduler answers; the pages may come later. */
  static async start(options: PreloadedOptions = {}): Promise<Preloaded> {
    await build();
    const preloaded = new Preloaded(options.port ?? (await freePort()), options);
    try {
      [, preloaded.#address = ''] = await preloaded.scheduler.printed(/Scheduler at:\s+(t(?:cp|ls):\/\/\S+)/);
      return preloaded;
    } catch (error) {
      await preloaded[Symbol.asyncDispose]();
      throw error;
    }
  }

  get address(): string {
    return this.#address;
  }

  /** Where the scheduler's log says that the main pages are; waits for that. */
  async announced(): Promise<URL> {
    const [, url = ''] = await this.scheduler.printed(/Taskglass UI at: (\S+)/);
    return new URL(url);
  }

  /** A client process on the scheduler that runs Python source; ends with this object. */
  async client(): Promise<DaskDriver> {
    return await DaskDriver.connect(this.python([path.join(ROOT, 'test/support/dask_driver.py'), this.#address]));
  }

  /** Starts a worker with the preload and waits until it has registered. */
  async worker(args: readonly string[] = []): Promise<Child> {
    const options = ['--no-nanny', '--nthreads', '1', '--local-directory', this.folder, '--preload', 'taskglass'];
    const child = this.python(['-m', 'dask', 'worker', this.#address, ...options, ...args]);
    await child.printed(/Registered to:/);
    return child;
  }

  /** A Python process that finds the package in this checkout; ends with this object. */
  python(args: readonly string[]): Child {
    const child = new Child(venvCommand('python', this.version), args, {
      cwd: this.folder,
      env: { ...environment(this.folder), ...this.#env },
    });
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a Python process is to find: the package in this checkout, and of all configuration only a folder's. */
function environment(folder: string): Record<string, string> {
  return {
    PYTHONPATH: path.join(ROOT, 'agent', 'src'),
    PYTHONUNBUFFERED: '1',
    PYTHONWARNINGS: 'ignore',
    DASK_CONFIG: folder,
  };
}

/** A Python process that finds the package; the caller ends it. Builds first when the sources have changed. */
export async function packagePython(version: DaskVersion, args: readonly string[]): Promise<Child> {
  await build();
  // Dask reads every YAML and JSON file of the folder that it is given.
  const nothing = path.join(ROOT, '.cache', 'no-configuration');
  mkdirSync(nothing, { recursive: true });
  return new Child(venvCommand('python', version), args, { env: environment(nothing) });
}

/** Source for a client: the process number of the scheduler's Node. */
export const NODE_PID = 'client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.services["dashboard"].pid)';

/** Waits until no process has this number. */
export async function gone(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}

/** The body of an answer with status 200, once there is one. */
export async function read(url: URL | string, headers: Record<string, string> = {}): Promise<string> {
  return await until(`an answer of ${url}`, async () => {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return await response.text();
  });
}
