import type { Piscina } from 'piscina';
import type { Duration } from '../../model/units.ts';
import { monotonic } from '../clock.ts';
import type { WorkerRecord } from '../debug/worker-record.ts';
import type { FunctionDefinition } from '../functions/function-ref.ts';
import type { ComputeOp, DropOp, FromWorker, RemoteError, StartStop, ThreadJob, ThreadResult } from '../protocol.ts';
import { InputFetcher } from './input-fetcher.ts';
import type { ResultStore } from './result-store.ts';

interface Entry {
  readonly op: ComputeOp;
  readonly definition: FunctionDefinition;
  state: 'fetching' | 'ready' | 'running';
  /** When it entered its state. */
  since: Duration;
  dropped: boolean;
  startstops: readonly StartStop[];
  readonly abort: AbortController;
  start: number;
  /** The scheduler was told that it runs. */
  reported: boolean;
}

/** Tasks that end sooner are never reported as running: it would double the messages for something nobody sees. */
const REPORT_RUNNING_MS = 50;
/** Before a task that could not get its inputs is given back: its holder's end may be news to the scheduler too. */
const MISSING_PAUSE_MS = 50;

export interface TaskRunnerOptions {
  readonly pool: Piscina<ThreadJob, ThreadResult>;
  readonly threads: number;
  readonly secret: string;
  readonly results: ResultStore;
  readonly send: (message: FromWorker) => void;
  /** Where debug pages find what happened; null = nobody keeps it. */
  readonly record: WorkerRecord | null;
}

/** A task that is not finished. */
export interface TaskNow {
  readonly key: string;
  readonly name: string;
  readonly state: 'fetching' | 'ready' | 'running';
  readonly since: Duration;
  readonly inputs: number;
  /** It is no longer wanted, and its thread has not ended it yet. */
  readonly dropped: boolean;
}

/** Runs the tasks of one worker: fetches what they need while others compute, then hands them to a free thread. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #definitions = new Map<string, FunctionDefinition>();
  readonly #entries = new Map<string, Entry>();
  readonly #ready: Entry[] = [];
  readonly #running = new Set<Entry>();
  readonly #fetcher: InputFetcher;
  readonly #threadNumbers: number[] = [];
  #reportTimer: NodeJS.Timeout | null = null;
  #paused = false;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#fetcher = new InputFetcher(options.secret, options.results, options.record);
  }

  get tasks(): TaskNow[] {
    const entries = new Set([...this.#running, ...this.#entries.values()]);
    return [...entries].map(({ op, definition, state, since, dropped }) => ({
      key: op.key,
      name: definition.name,
      state,
      since,
      inputs: op.inputs.length,
      dropped,
    }));
  }

  get executing(): number {
    return this.#running.size;
  }

  /** While paused, what runs goes on and nothing new starts. */
  set paused(paused: boolean) {
    this.#paused = paused;
    this.#startReady();
  }

  compute(op: ComputeOp): void {
    if (op.definition !== undefined) this.#definitions.set(op.functionId, op.definition);
    const entry: Entry = {
      op,
      definition: this.#definitions.get(op.functionId)!,
      state: 'ready',
      since: monotonic(),
      dropped: false,
      startstops: [],
      abort: new AbortController(),
      start: 0,
      reported: false,
    };
    this.#entries.set(op.key, entry);
    if (this.#fetcher.hasAll(op.inputs)) {
      this.#ready.push(entry);
      this.#options.record?.moved(op.key, 'received', 'ready');
      this.#startReady();
    } else {
      entry.state = 'fetching';
      this.#options.record?.moved(op.key, 'received', 'fetching');
      void this.#fetch(entry);
    }
  }

  drop(op: DropOp): void {
    this.#options.results.delete(op.key, op.attempt);
    const entry = this.#entries.get(op.key);
    if (entry === undefined || entry.op.attempt !== op.attempt) return;
    entry.dropped = true;
    this.#entries.delete(op.key);
    this.#options.record?.moved(op.key, entry.state, 'dropped');
    if (entry.state === 'ready') this.#ready.splice(this.#ready.indexOf(entry), 1);
    else if (entry.state === 'running' && op.abort) entry.abort.abort();
  }

  async #fetch(entry: Entry): Promise<void> {
    const { op } = entry;
    const outcome = await this.#fetcher.fetch(op.inputs);
    // Told even when the task is no longer wanted: what the scheduler does not know of it cannot drop.
    if (outcome.fetched.length > 0) this.#options.send({ op: 'fetched', results: outcome.fetched });
    if (entry.dropped) return;
    entry.startstops = outcome.transfers;
    if (this.#fetcher.hasAll(op.inputs)) {
      entry.state = 'ready';
      entry.since = monotonic();
      this.#ready.push(entry);
      this.#options.record?.moved(op.key, 'fetching', 'ready');
      this.#startReady();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, MISSING_PAUSE_MS));
    if (entry.dropped) return;
    this.#entries.delete(op.key);
    this.#options.record?.missing(op.key, outcome.absent.length);
    this.#options.send({ op: 'missing', key: op.key, attempt: op.attempt, absent: outcome.absent });
  }

  #startReady(): void {
    while (!this.#paused && this.#running.size < this.#options.threads && this.#ready.length > 0) {
      void this.#run(this.#ready.shift()!);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const { op } = entry;
    const { results, pool, send } = this.#options;
    entry.state = 'running';
    entry.start = monotonic();
    entry.since = entry.start;
    this.#running.add(entry);
    this.#options.record?.moved(op.key, 'ready', 'running');
    this.#armReport();
    const job: ThreadJob = {
      functionId: op.functionId,
      definition: entry.definition,
      // The channel gives views of one large message; a copy keeps the rest of it from being cloned too.
      args: new Uint8Array(op.args),
      token: op.token,
      inputs: op.inputs.map(({ key, attempt }) => results.get(key, attempt)!),
    };
    const result = await this.#onThread(pool, job, entry);
    this.#running.delete(entry);
    if (!entry.dropped) {
      this.#entries.delete(op.key);
      const { key, attempt } = op;
      const thread = this.#threadNumber(result.thread);
      const compute: StartStop = { action: 'compute', start: result.start, stop: result.stop };
      const startstops = [...entry.startstops, compute];
      this.#options.record?.finished(op.key, entry.definition.name, thread, result);
      if (result.ok) {
        results.set(key, attempt, result.data);
        const { type } = result;
        send({ op: 'finished', key, attempt, thread, startstops, nbytes: result.data.byteLength, type });
      } else {
        send({ op: 'erred', key, attempt, thread, startstops, error: result.error });
      }
    }
    this.#startReady();
  }

  async #onThread(pool: Piscina<ThreadJob, ThreadResult>, job: ThreadJob, entry: Entry): Promise<ThreadResult> {
    try {
      return await pool.run(job, { signal: entry.abort.signal });
    } catch (error) {
      // The thread itself ended: process.exit(), out of memory, an error outside of any promise, or an abort.
      return { ok: false, error: threadError(error), thread: 0, start: entry.start, stop: monotonic() };
    }
  }

  /** Threads that ended give their number to the one that took their place, so that rows stay the same. */
  #threadNumber(threadId: number): number {
    const numbers = this.#threadNumbers;
    const at = numbers.indexOf(threadId);
    if (at >= 0) return at + 1;
    const alive = new Set(this.#options.pool.threads.map((thread) => thread.threadId));
    const free = numbers.findIndex((id) => !alive.has(id));
    const slot = free >= 0 ? free : numbers.length;
    if (threadId !== 0) numbers[slot] = threadId;
    return slot + 1;
  }

  #armReport(): void {
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = null;
      this.#reportRunning();
    }, REPORT_RUNNING_MS);
  }

  #reportRunning(): void {
    const since = monotonic() - REPORT_RUNNING_MS / 2000;
    const due = [...this.#running].filter((entry) => !entry.reported && !entry.dropped);
    const tasks = due.filter((entry) => entry.start <= since);
    for (const entry of tasks) entry.reported = true;
    if (tasks.length < due.length) this.#armReport();
    if (tasks.length === 0) return;
    this.#options.send({
      op: 'running',
      tasks: tasks.map(({ op, start }) => ({ key: op.key, attempt: op.attempt, start })),
    });
  }
}

function threadError(error: unknown): RemoteError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: String(error) };
  const message = /^worker exited with code/.test(error.message)
    ? `the thread ended by itself (${error.message.replace('worker ', '')})`
    : error.message;
  return { name: error.name, message, stack: error.stack ?? message };
}
