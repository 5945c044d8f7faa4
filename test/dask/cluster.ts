import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MIDDLE_DASK } from '../../scripts/lib/python.mjs';

const root = new URL('../../', import.meta.url);

/** The Dask versions that the tests run against. `npm test` makes these environments. */
export const DASK_VERSIONS = [
  { version: '2026.8.0', python: fileURLToPath(new URL('.venv/bin/python', root)) },
  { version: '2022.12.1', python: fileURLToPath(new URL('.venv-2022.12.1/bin/python', root)) },
] as const;

/** A version given by `npm run test:versions`, as VERSION=PYTHON. */
const [given, givenPython] = process.env.TASKGLASS_TEST_DASK?.split('=') ?? [];

/** Those that the conformance suite runs against: one between the others too. */
export const CONFORMANCE_VERSIONS: readonly { readonly version: string; readonly python: string }[] =
  given !== undefined && givenPython !== undefined
    ? [{ version: given, python: givenPython }]
    : [
        ...DASK_VERSIONS,
        { version: MIDDLE_DASK, python: fileURLToPath(new URL(`.venv-${MIDDLE_DASK}/bin/python`, root)) },
      ];

export const NEWEST_DASK = DASK_VERSIONS[0];

export interface ClusterOptions {
  readonly python: string;
  readonly workers?: number;
  readonly threads?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** `tls` needs certificates in `env`. */
  readonly protocol?: 'tcp' | 'tls';
  /** True: each worker has a nanny, which starts it again. */
  readonly nanny?: boolean;
  /** What workers listen on; the scheduler listens on 127.0.0.1. */
  readonly workerHost?: string;
}

/** A real scheduler and workers, each a process of its own, on loopback. */
export class DaskCluster implements AsyncDisposable {
  readonly address: string;
  /** What the scheduler wrote to its log. */
  log = '';
  scheduler: ChildProcess | undefined;
  readonly workers: ChildProcess[] = [];
  readonly #port: number;
  readonly #options: Required<ClusterOptions>;

  private constructor(port: number, options: ClusterOptions) {
    this.#port = port;
    this.#options = {
      workers: 2,
      threads: 2,
      env: {},
      protocol: 'tcp',
      workerHost: '127.0.0.1',
      nanny: false,
      ...options,
    };
    this.address = `${this.#options.protocol}://127.0.0.1:${port}`;
  }

  static async start(options: ClusterOptions): Promise<DaskCluster> {
    if (!existsSync(options.python)) throw new Error(`there is no ${options.python}: run npm test once, it makes it`);
    const cluster = new DaskCluster(await freePort(), options);
    try {
      await cluster.startScheduler();
      for (let i = 0; i < cluster.#options.workers; i++) cluster.addWorker();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async startScheduler(): Promise<void> {
    const child = this.#spawn('distributed.cli.dask_scheduler', [
      '--host',
      '127.0.0.1',
      '--port',
      String(this.#port),
      '--protocol',
      this.#options.protocol,
      '--no-dashboard',
    ]);
    this.scheduler = child;
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on('data', (data: Buffer) => {
        this.log += data.toString();
        if (this.log.includes('Scheduler at:')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the scheduler ended with ${code}:\n${this.log}`)));
    });
  }

  addWorker(): ChildProcess {
    const { threads, workerHost, nanny } = this.#options;
    const where = ['--host', workerHost, '--nthreads', String(threads)];
    const args = [this.address, ...where, nanny ? '--nanny' : '--no-nanny', '--no-dashboard', '--memory-limit', '1GB'];
    const child = this.#spawn('distributed.cli.dask_worker', [...args, '--name', `w${this.workers.length}`]);
    child.stderr!.resume();
    this.workers.push(child);
    return child;
  }

  /** Without warning; it can be started again at the same address. */
  async killScheduler(): Promise<void> {
    await end(this.scheduler, 'SIGKILL');
  }

  async stop(): Promise<void> {
    // A nanny that is told ends its worker; one that is killed leaves it.
    if (this.#options.nanny) await Promise.all(this.workers.map((child) => end(child, 'SIGTERM')));
    await Promise.all([...this.workers, this.scheduler].map((child) => end(child, 'SIGKILL')));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #spawn(module: string, args: string[]): ChildProcess {
    return spawn(this.#options.python, ['-m', module, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        DASK_DISTRIBUTED__WORKER__DAEMON: 'False',
        DASK_TEMPORARY_DIRECTORY: process.env.TMPDIR ?? '/tmp',
        ...this.#options.env,
      },
    });
  }
}

/** A Dask client in a process of its own; see `driver.py` for what it can do. */
export class Driver implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  #stderr = '';

  private constructor(python: string, address: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn(python, [fileURLToPath(new URL('driver.py', import.meta.url)), address], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString()).slice(-10_000);
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on('line', (line) => {
      const reply = JSON.parse(line) as { ok?: unknown; error?: string };
      const waiter = this.#waiting.shift();
      if (reply.error === undefined) waiter?.resolve(reply.ok);
      else waiter?.reject(new Error(reply.error));
    });
    this.#child.on('exit', (code) => {
      for (const waiter of this.#waiting.splice(0))
        waiter.reject(new Error(`the driver ended (${code}):\n${this.#stderr}`));
    });
  }

  static async start(python: string, address: string, env: Readonly<Record<string, string>> = {}): Promise<Driver> {
    const driver = new Driver(python, address, env);
    await new Promise((resolve, reject) => driver.#waiting.push({ resolve, reject }));
    return driver;
  }

  do<T = unknown>(op: string, args: Record<string, unknown> = {}): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify({ op, args })}\n`);
    }) as Promise<T>;
  }

  async stop(): Promise<void> {
    await end(this.#child, 'SIGKILL');
    this.#lines.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
