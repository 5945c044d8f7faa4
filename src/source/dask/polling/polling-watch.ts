import { TaskglassError } from '../../../base/errors.ts';
import type { FinishedTask } from '../../../model/finished-task.ts';
import type { FinishedColumns, SourceSink, TickEvent } from '../../../model/source-event.ts';
import { finishedColumns } from '../../finished-builder.ts';
import { type Comm, type ConnectOptions, connect } from '../comm/comm.ts';
import type { DaskValue } from '../comm/message.ts';
import { isRecord } from '../comm/msgpack.ts';
import { callOn, isRefusal } from '../comm/rpc.ts';
import type { KnownCluster } from '../known-cluster.ts';
import type { Watch } from '../watch.ts';
import { PolledCounts } from './polled-counts.ts';
import { PolledStream } from './polled-stream.ts';
import { PolledWorkers, servicePorts } from './polled-workers.ts';

type Reply = { readonly [key: string]: DaskValue };

/** Between two rounds, at least. */
const ROUND_MS = 500;
/** Workers are asked for every so many rounds: the reply is the largest, and heartbeats are not more frequent. */
const ROUNDS_PER_IDENTITY = 2;
/** A pause is so many times what the round before it cost the scheduler. */
const PAUSE_PER_WORK = 10;
/** A reply may take so long before the scheduler counts as silent. */
const PATIENCE_MS = 2_000;
/** A scheduler that stands still is waited for. */
const REPLY_TIMEOUT_MS = 120_000;
/** Sizes of what there is already are asked for once, where that is cheap: it takes the scheduler 3 µs a task. */
const MAX_TASKS_TO_SIZE = 10_000;
/** Clocks that differ by less are taken for the same: it is what a heartbeat may be old. */
const SAME_CLOCK_S = 2;

/** What is known of one scheduler by polling, from one attachment to the next. */
export class Polled {
  readonly id: string;
  readonly version: string;
  readonly stream: PolledStream;
  readonly counts = new PolledCounts();
  readonly workers = new PolledWorkers();
  /** Handlers that the scheduler refuses; they are not asked again, since it logs each refusal. */
  readonly refused = new Set<string>();
  /** Of the last tick. */
  time = 0;
  /** The least that the scheduler's clock is ahead of ours. */
  offset = Number.NEGATIVE_INFINITY;

  constructor(id: string, version: string) {
    this.id = id;
    this.version = version;
    const [year = 0, month = 0] = version.split('.').map(Number);
    this.stream = new PolledStream(year > 2026 || (year === 2026 && month >= 6));
  }
}

/**
 * Watches with nothing but handlers that every scheduler answers: no code of ours runs there. What it cannot know: tasks that
 * are running, queued or without a worker, clients, the scheduler's load. It leaves Dask's own record of finished tasks installed.
 */
export class PollingWatch implements Watch {
  readonly comm: Comm;
  readonly polled: Polled;
  readonly #sink: SourceSink;
  readonly #known: KnownCluster;
  readonly #first: Reply;
  readonly #unfit: string;
  #asked: number | null = null;
  /** The quickest round: what is not the scheduler's work but the way there. */
  #quickest = Number.POSITIVE_INFINITY;
  #round = 0;
  /** Up to when an earlier attachment saw everything. */
  readonly #resumed: number;

  private constructor(comm: Comm, polled: Polled, first: Reply, unfit: string, sink: SourceSink, known: KnownCluster) {
    this.comm = comm;
    this.#unfit = unfit;
    this.polled = polled;
    this.#first = first;
    this.#resumed = polled.time;
    this.#sink = sink;
    this.#known = known;
  }

  /**
   * `unfit`: why the agent cannot run there, if that is the reason for polling; it is said where people read it. Throws what
   * `connect` throws; NOT_A_SCHEDULER; AGENT_REFUSED where not even `identity` is answered.
   */
  static async attach(
    address: string,
    before: Polled | undefined,
    unfit: string,
    sink: SourceSink,
    known: KnownCluster,
    options: ConnectOptions,
  ): Promise<PollingWatch> {
    const comm = await connect(address, options);
    const abort = (): void => comm.close();
    options.signal?.addEventListener('abort', abort);
    const timeoutMs = options.timeoutMs ?? 5_000;
    try {
      const identity = await callOn(comm, 'identity', {}, timeoutMs);
      if (!isRecord(identity) || typeof identity.id !== 'string' || identity.type !== 'Scheduler') {
        throw new TaskglassError('NOT_A_SCHEDULER', `${comm.address} does not say that it is one`);
      }
      const same = before?.id === identity.id;
      const polled = same ? before : new Polled(identity.id, versionIn(await askVersions(comm, timeoutMs)));
      return new PollingWatch(comm, polled, identity, unfit, sink, known);
    } catch (error) {
      comm.close();
      if (isRefusal(error)) throw new TaskglassError('AGENT_REFUSED', error.detail, { cause: error });
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', abort);
    }
  }

  get owedSince(): number | null {
    return this.#asked === null ? null : this.#asked + PATIENCE_MS;
  }

  begin(connected: () => void): void {
    const { polled } = this;
    const identity = this.#first;
    const services = Object.fromEntries(isRecord(identity.services) ? servicePorts(identity.services) : []);
    const time = this.#now();
    const started = typeof identity.started === 'number' ? identity.started : 0;
    if (this.#known.id !== polled.id) {
      const unheard = this.#known.unheard({ started, time });
      if (unheard !== null) this.#sink.accept(unheard);
      this.#known.reset(polled.id);
    }
    this.#known.scheduler = services;
    // It runs nothing of ours, or we would not be polling.
    this.#known.abilities = { runsFunctions: false, tellsRunsApart: false };
    const workers = polled.workers.read(identity.workers, this.#sink);
    this.#sink.accept({
      kind: 'cluster',
      time,
      engine: 'dask',
      address: typeof identity.address === 'string' ? identity.address : this.comm.address,
      id: polled.id,
      version: polled.version,
      started,
      mode: 'polling',
      services,
    });
    connected();
    const text = `cannot run on Dask ${polled.version}, which is polled instead: ${this.#unfit}`;
    const log = this.#unfit !== '' && [{ time, topic: 'agent', text }];
    if (workers || log) this.#accept({ kind: 'tick', time, ...(workers && { workers }), ...(log && { log }) });
  }

  async listen(): Promise<TaskglassError> {
    try {
      while (!this.comm.isClosed) {
        const began = performance.now();
        await this.#look();
        const took = performance.now() - began;
        this.#quickest = Math.min(this.#quickest, took);
        await this.#pause(Math.max(ROUND_MS, PAUSE_PER_WORK * (took - this.#quickest)));
      }
    } catch (error) {
      this.comm.close(error instanceof TaskglassError ? error : new TaskglassError('INTERNAL', String(error)));
    }
    return await this.comm.closed;
  }

  /** One round: what finished, then the counts, which are newer then. */
  async #look(): Promise<void> {
    const { polled } = this;
    const sink = this.#sink;
    const resuming = this.#round === 0;
    const since = resuming ? this.#resumed : polled.time;
    const withWorkers = this.#round++ % ROUNDS_PER_IDENTITY === 1;
    if (!polled.stream.begun) return await this.#lookFirst();
    const { tasks, missed } = await this.#askStream();
    polled.counts.completed(tasks);
    const functions = polled.counts.read(await this.#ask('get_task_prefix_states'), sink);
    const identity = withWorkers ? await this.#ask('identity') : null;
    const workers = isRecord(identity) ? polled.workers.read(identity.workers, sink) : undefined;
    const finished = tasks.length > 0 ? finishedColumns(tasks, sink) : undefined;
    const time = this.#now(tasks);
    if (missed !== 0) {
      // Either nobody asked for a while, or more finished between two rounds than the record holds.
      const reason = resuming ? 'disconnected' : 'overload';
      sink.accept({ kind: 'gap', since, until: time, size: missed, reason });
    }
    this.#accept({
      kind: 'tick',
      time,
      ...(finished && { finished }),
      ...(functions && { functions }),
      ...(workers && { workers }),
    });
  }

  /**
   * What there was before us. Counts come first here: a task that finishes between the two calls is then taken for one of
   * the past, and never counted twice.
   */
  async #lookFirst(): Promise<void> {
    const { stream, counts } = this.polled;
    const functions = counts.read(await this.#ask('get_task_prefix_states'), this.#sink);
    const past = stream.begin(...(await this.#askRecords()));
    counts.measure(past);
    if (counts.tasks <= MAX_TASKS_TO_SIZE) counts.sizes(await this.#ask('nbytes', { summary: true }));
    const finished: FinishedColumns | undefined =
      past.length > 0 ? { ...finishedColumns(past, this.#sink), past: true } : undefined;
    const time = this.#now(past);
    if (functions || finished) {
      this.#accept({ kind: 'tick', time, ...(functions && { functions }), ...(finished && { finished }) });
    }
  }

  async #askStream(): Promise<ReturnType<PolledStream['read']>> {
    return this.polled.stream.read(...(await this.#askRecords()));
  }

  async #askRecords(): Promise<[reply: DaskValue, index: number]> {
    const { stream } = this.polled;
    const index = stream.byIndex ? await this.#ask('get_task_stream_index') : 0;
    const reply = await this.#ask('get_task_stream', { ...stream.request() });
    return [reply, typeof index === 'number' ? index : 0];
  }

  /** Null for a handler that the scheduler refuses: the rest goes on without. */
  async #ask(op: string, args: Record<string, unknown> = {}): Promise<DaskValue> {
    const { refused } = this.polled;
    if (refused.has(op)) return null;
    this.#asked = performance.now();
    try {
      return await callOn(this.comm, op, args, REPLY_TIMEOUT_MS);
    } catch (error) {
      if (!isRefusal(error) || this.comm.isClosed) throw error;
      refused.add(op);
      return null;
    } finally {
      this.#asked = null;
    }
  }

  #accept(event: TickEvent): void {
    this.polled.time = event.time;
    this.#known.time = event.time;
    this.#known.sawEvent(event);
    this.#sink.accept(event);
  }

  /**
   * The scheduler's clock: nobody tells what it says now, but it has seen heartbeats and ends of tasks. Never goes back.
   */
  #now(tasks: readonly FinishedTask[] = []): number {
    const { polled } = this;
    const ours = Date.now() / 1000;
    let latest = polled.workers.lastSeen;
    for (const { startstops } of tasks) for (const { stop } of startstops) latest = Math.max(latest, stop);
    polled.offset = Math.max(polled.offset, latest - ours);
    const apart = polled.offset > 0 || polled.offset < -SAME_CLOCK_S;
    const offset = apart && Number.isFinite(polled.offset) ? polled.offset : 0;
    return Math.max(polled.time, ours + offset);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      void this.comm.closed.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

async function askVersions(comm: Comm, timeoutMs: number): Promise<DaskValue> {
  try {
    return await callOn(comm, 'versions', {}, timeoutMs);
  } catch (error) {
    if (isRefusal(error) && !comm.isClosed) return null;
    throw error;
  }
}

function versionIn(versions: DaskValue): string {
  const packages = isRecord(versions) ? versions.packages : undefined;
  const version = isRecord(packages) ? packages.distributed : undefined;
  return typeof version === 'string' ? version.slice(0, 100) : '';
}
