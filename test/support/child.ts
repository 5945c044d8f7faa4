import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from './project-files.ts';
import { until } from './until.ts';

/** A process under test, with everything it printed. Ends with the scope that holds it (`await using`). */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  #output = '';

  /** `uid`: the user and group that it runs as; only root may choose. */
  constructor(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number } = {},
  ) {
    this.#process = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
      // A group of its own: what it starts ends with it.
      detached: process.platform !== 'win32',
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#process.on('error', (error) => {
      this.#output += String(error);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }
  get output(): string {
    return this.#output;
  }
  get exited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Waits for output that matches and returns the match; throws with the whole output when the process ends before. */
  async printed(pattern: RegExp, within = 60_000): Promise<RegExpExecArray> {
    const match = await until(
      `${pattern} in the output`,
      () => pattern.exec(this.#output) ?? (this.exited ? 'exited' : undefined),
      { within },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#output}`);
    });
    if (match === 'exited')
      throw new Error(`The process ended (${this.exitCode}) without ${pattern}:\n${this.#output}`);
    return match;
  }

  /** Sends a signal to this process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** The exit status, once it has ended by itself. */
  async ended(): Promise<number | null> {
    if (!this.exited) await once(this.#process, 'exit');
    return this.exitCode;
  }

  /** Ends it and everything it started, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const gone = this.exited ? undefined : once(this.#process, 'exit');
    try {
      if (process.platform === 'win32') this.#process.kill(signal);
      else process.kill(-this.pid, signal);
    } catch {
      // Everything in the group is gone already.
    }
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
