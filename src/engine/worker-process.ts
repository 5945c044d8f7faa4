import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TaskglassError } from '../base/errors.ts';
import { entryPoint } from './entry.ts';
import type { FromWorker, ReadyMessage, ToWorker, WorkerSettings } from './protocol.ts';
import { WORKER_SETTINGS } from './protocol.ts';

export interface WorkerProcessEvents {
  messages(messages: readonly FromWorker[]): void;
  /** The process ended without being told to. Only after it was ready. */
  died(reason: string): void;
}

/** A machine under load may take its time; one that takes longer is not going to. */
const START_MS = 60_000;
const CLOSE_MS = 2_000;

/** One worker process: started once, told what to do, ended for good. */
export class WorkerProcess {
  readonly #events: WorkerProcessEvents;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #outbox: ToWorker[] = [];
  /** Messages each way, and what was in them. */
  readonly #traffic = { sent: 0, operations: 0, received: 0, reports: 0 };
  #ready = false;
  #closing = false;
  #failure: Error | null = null;
  #onReady: ((message: ReadyMessage) => void) | null = null;
  #onFailure: ((error: Error) => void) | null = null;

  constructor(settings: WorkerSettings, execArgv: readonly string[], events: WorkerProcessEvents) {
    this.#events = events;
    this.#child = fork(fileURLToPath(entryPoint('worker-main')), [], {
      env: { ...process.env, [WORKER_SETTINGS]: JSON.stringify(settings) },
      execArgv: [...execArgv],
      // Keeps typed arrays as they are.
      serialization: 'advanced',
      // Ctrl-D and typing belong to the program that started the cluster.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#exited = new Promise((resolve) => {
      const ended = (reason: string): void => {
        resolve();
        this.#ended(reason);
      };
      this.#child.once('error', (error) => ended(error.message));
      this.#child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    this.#child.on('message', (messages: readonly FromWorker[]) => this.#receive(messages));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get traffic(): Readonly<{ sent: number; operations: number; received: number; reports: number }> {
    return this.#traffic;
  }

  /** @throws WORKER_START_FAILED */
  async ready(): Promise<ReadyMessage> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ReadyMessage>((resolve, reject) => {
        this.#onReady = resolve;
        this.#onFailure = reject;
        if (this.#failure !== null) reject(this.#failure);
        timer = setTimeout(() => reject(new Error(`not ready after ${START_MS / 1000} s`)), START_MS);
      });
    } catch (error) {
      this.kill();
      throw new TaskglassError('WORKER_START_FAILED', (error as Error).message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends with everything else of this turn. */
  send(operation: ToWorker): void {
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push(operation);
  }

  kill(): void {
    this.#closing = true;
    this.#child.kill('SIGKILL');
  }

  /** Ends the process, by force when it does not go by itself. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.send({ op: 'close' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #flush(): void {
    const operations = this.#outbox;
    this.#outbox = [];
    this.#traffic.sent++;
    this.#traffic.operations += operations.length;
    if (this.#child.connected) this.#child.send(operations, () => {});
  }

  #receive(messages: readonly FromWorker[]): void {
    if (this.#closing) return;
    this.#traffic.received++;
    this.#traffic.reports += messages.length;
    const first = messages[0];
    if (!this.#ready && first?.op === 'ready') {
      this.#ready = true;
      this.#onReady?.(first);
    }
    this.#events.messages(messages);
  }

  #ended(reason: string): void {
    if (!this.#ready) {
      this.#failure = new Error(`the process ended: ${reason}`);
      this.#onFailure?.(this.#failure);
    } else if (!this.#closing) {
      this.#closing = true;
      this.#events.died(reason);
    }
  }
}
