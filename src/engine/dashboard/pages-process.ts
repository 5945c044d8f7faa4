import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TaskglassError } from '../../base/errors.ts';
import type { ClusterCore } from '../cluster-core.ts';
import { pagesProgram } from '../entry.ts';
import { actOn } from '../scheduling/task-actions.ts';
import { Feed } from './feed.ts';
import type { Answer, Failure, FromPages, ToPages } from './messages.ts';
import type { DashboardSettings } from './options.ts';

/** Between its end and its next start; doubled each time it ends before it served. */
const RESTART_MS = 200;
const LONGEST_RESTART_MS = 60_000;
/** A machine under load may take its time. */
const START_MS = 60_000;
const CLOSE_MS = 3_000;

/** Reasons that lie in how it was asked to serve: the one who asked must hear of them. */
const REFUSALS: ReadonlySet<string> = new Set([
  'PORT_TAKEN',
  'PORT_FORBIDDEN',
  'OPTION_INVALID',
  'HTTPS_FILE_UNREADABLE',
  'HTTPS_KEY_MISMATCH',
  'HTTPS_EXPIRED',
  'AUDIT_FAILED',
]);

/** The process that serves the main pages of a cluster: started with it, started again when it dies, ended with it. */
export class PagesProcess {
  readonly #core: ClusterCore;
  readonly #settings: DashboardSettings;
  readonly #example: (() => Promise<unknown>) | null;
  readonly #feed: Feed;
  readonly #served: Promise<void>;
  #settle: (error?: Error) => void = () => {};
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The scheduler is there: there is something to tell. */
  #attached = false;
  #closing = false;
  #said = false;
  /** What the process said before it ended. */
  #failure: string | null = null;
  #delay = RESTART_MS;
  #starts = 0;
  /** Where it served last: it comes back there. */
  #port: number | null = null;
  /** E.g. `http://127.0.0.1:8787/status`; null while it does not serve. */
  url: string | null = null;

  /** @param example runs the example computation; null = the pages offer none */
  constructor(core: ClusterCore, settings: DashboardSettings, example: (() => Promise<unknown>) | null) {
    this.#core = core;
    this.#settings = settings;
    this.#example = example;
    this.#feed = new Feed(core);
    this.#served = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Whoever does not wait for it does not have to hear of it.
    this.#served.catch(() => {});
    this.#start();
  }

  /**
   * Resolves when it serves. Resolves too when it does not start for a reason of its own: it is tried again, and the cluster
   * works without it.
   *
   * @throws PORT_TAKEN, PORT_FORBIDDEN, OPTION_INVALID
   */
  served(): Promise<void> {
    return this.#served;
  }

  /** The workers are there: the pages are told of them, and only then open. */
  attach(): void {
    this.#attached = true;
    if (this.#child !== null) this.#tell(this.#child);
  }

  traffic(): { pid: number; starts: number; sent: number; underWay: number; told: number; untold: number } {
    const { sent, underWay, told, untold } = this.#feed;
    return { pid: this.#child?.pid ?? 0, starts: this.#starts, sent, underWay, told, untold };
  }

  /** Ends the process, by force when it does not go by itself. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#settle();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#feed.closed();
    const child = this.#child;
    if (child === null) return;
    // Until now it kept no program alive, but whoever waits for its end must be woken.
    child.ref();
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#send(child, { op: 'closed' });
    this.#send(child, { op: 'close' });
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
    await gone;
    clearTimeout(timer);
  }

  #start(): void {
    const child = fork(fileURLToPath(pagesProgram()), [], {
      execArgv: [],
      // Keeps typed arrays as they are.
      serialization: 'advanced',
      // Standard output belongs to the program that started the cluster.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#starts++;
    // A web interface keeps no program alive.
    child.unref();
    child.channel?.unref();
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS).unref();
    child.on('message', (message: FromPages) => {
      if (message.op === 'ready') clearTimeout(late);
      this.#receive(child, message);
    });
    const ended = (reason: string): void => {
      clearTimeout(late);
      this.#ended(child, reason);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
    const settings = this.#port === null ? this.#settings : { ...this.#settings, port: this.#port, portFallback: true };
    const example = this.#example !== null;
    this.#send(child, {
      op: 'serve',
      settings: { ...settings, example, exampleAtStart: example && this.#starts === 1 },
    });
    if (this.#attached) this.#tell(child);
  }

  #tell(child: ChildProcess): void {
    this.#feed.start((message) => this.#send(child, message));
  }

  #send(child: ChildProcess, message: ToPages): void {
    if (child.connected) child.send(message, () => {});
  }

  #receive(child: ChildProcess, message: FromPages): void {
    switch (message.op) {
      case 'ready':
        this.url = message.url;
        this.#port = message.port;
        this.#delay = RESTART_MS;
        this.#core.services.dashboard = message.port;
        this.#settle();
        break;
      case 'failed':
        this.#failed(message.failure);
        break;
      case 'taken':
        if (child === this.#child) this.#feed.taken();
        break;
      case 'debug':
        void this.#answer(child, message.id, async () => {
          const debug = this.#core.debug;
          if (debug === null) throw new TaskglassError('DEBUG_UNAVAILABLE', 'this cluster was started without them');
          return message.topic === null ? debug.index(message.target) : debug.view(message.target, message.topic);
        });
        break;
      case 'act':
        void this.#answer(child, message.id, async () => {
          this.#core.assertOpen();
          return actOn(this.#core.scheduler, message.action);
        });
        break;
      case 'example':
        void this.#answer(child, message.id, async () => {
          await this.#example?.();
          return null;
        });
        break;
    }
  }

  async #answer(child: ChildProcess, id: number, work: () => Promise<Answer>): Promise<void> {
    try {
      this.#send(child, { op: 'answer', id, value: await work() });
    } catch (error) {
      this.#send(child, { op: 'refusal', id, failure: failureOf(error) });
    }
  }

  #failed({ code, detail }: Failure): void {
    this.#failure = detail;
    if (this.#starts === 1 && REFUSALS.has(code)) this.#settle(new TaskglassError(code, detail));
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.url = null;
    delete this.#core.services.dashboard;
    this.#feed.lost();
    this.#settle();
    if (this.#closing) return;
    const why = this.#failure ?? reason;
    this.#failure = null;
    this.#timer = setTimeout(() => {
      if (!this.#said) {
        this.#said = true;
        process.stderr.write(`Taskglass: the process of its pages ended (${why}); it is started again.\n`);
      }
      this.#start();
    }, this.#delay).unref();
    this.#delay = Math.min(this.#delay * 2, LONGEST_RESTART_MS);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof TaskglassError) return { code: error.code, detail: error.detail };
  return { code: 'INTERNAL', detail: error instanceof Error ? error.message : String(error) };
}
