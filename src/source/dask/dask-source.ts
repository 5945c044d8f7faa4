import { TaskglassError } from '../../base/errors.ts';
import type { LinkState, SourceSink, WorkerInfo } from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import type { Source } from '../source.ts';
import { parseAddress } from './address.ts';
import { type Attachment, attachAgent, type ResumePoint } from './attach.ts';
import { DaskDebugAccess, type Services } from './debug-access.ts';
import { type DecodedTick, type Hello, TickDecoder } from './tick-decoder.ts';
import type { TlsOptions } from './tls.ts';

export interface DaskSourceOptions {
  /** For connecting and attaching. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** For tls:// addresses; what is absent is looked up in Dask's own configuration. */
  readonly tls?: TlsOptions;
}

/** Without a sign of life for this long, a connected scheduler counts as stalled. */
const STALLED_AFTER_MS = 1_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/**
 * Watches a Dask scheduler through our agent. A lost scheduler is retried for ever; when the same one is back,
 * what was missed meanwhile becomes a gap with its size, as far as the scheduler itself knows it.
 */
export class DaskSource implements Source {
  readonly debug: DaskDebugAccess;
  readonly #address: string;
  readonly #options: DaskSourceOptions;
  readonly #closing = new AbortController();
  #sink: SourceSink | undefined;
  #link: LinkState | undefined;
  #reason = '';
  #attachment: Attachment | undefined;
  #decoder: TickDecoder | undefined;
  #watching: Promise<void> = Promise.resolve();
  readonly #known = new KnownCluster();

  /** Throws ADDRESS_INVALID or SCHEME_UNSUPPORTED. */
  constructor(address: string, options: DaskSourceOptions = {}) {
    const parsed = parseAddress(address);
    this.#address = parsed.text;
    this.#options = options;
    this.debug = new DaskDebugAccess(parsed.text, this.#known, { ...(options.tls && { tls: options.tls }) });
  }

  async start(sink: SourceSink, { wait = false }: { readonly wait?: boolean } = {}): Promise<void> {
    this.#sink = sink;
    if (wait) {
      this.#setLink('connecting', '');
      this.#watching = this.#watch();
      return;
    }
    await this.#attach();
    this.#watching = this.#watch();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.debug.close();
    const comm = this.#attachment?.comm;
    comm?.close();
    await comm?.closed;
    await this.#watching;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Attached → until it ends → attach again, until we are closed. */
  async #watch(): Promise<void> {
    let delay = FIRST_RETRY_MS;
    while (!this.#closed) {
      if (this.#attachment) {
        const { comm } = this.#attachment;
        const attached = performance.now();
        const reason = await this.#listen(this.#attachment);
        this.#attachment = undefined;
        if (this.#closed) return;
        this.#known.detached(this.#decoder);
        this.#setLink('lost', reason.code === 'LINK_CLOSED' ? `${comm.address} closed the connection` : reason.message);
        // One that ends again and again right after it began is not retried in haste.
        if (performance.now() - attached > LAST_RETRY_MS) delay = FIRST_RETRY_MS;
      }
      await pause(delay * (0.5 + Math.random() / 2), this.#closing.signal);
      if (this.#closed) return;
      delay = Math.min(delay * 2, LAST_RETRY_MS);
      try {
        await this.#attach();
      } catch (error) {
        if (this.#closed) return;
        this.#setLink(
          this.#link === 'connecting' ? 'connecting' : 'lost',
          error instanceof Error ? error.message : String(error),
        );
      }
    }
  }

  async #attach(): Promise<void> {
    const attachment = await attachAgent(this.#address, this.#known.resumePoint(), {
      timeoutMs: this.#options.connectTimeoutMs ?? 5_000,
      signal: this.#closing.signal,
      ...(this.#options.tls && { tls: this.#options.tls }),
    });
    try {
      // The decoder that counts on from before is only right for the same scheduler, which its first message tells.
      let decoder = new TickDecoder(this.#sink!, this.#known.forgotten);
      let tick = decoder.decode(attachment.first);
      if (!tick.hello) throw new TaskglassError('PROTOCOL_ERROR', 'the agent did not greet');
      if (tick.hello.id !== this.#known.id) {
        decoder = new TickDecoder(this.#sink!);
        tick = decoder.decode(attachment.first);
      }
      this.#decoder = decoder;
      this.#attachment = attachment;
      this.#greet(tick, tick.hello!);
      this.#setLink('connected', '');
      this.#accept(tick);
    } catch (error) {
      this.#attachment = undefined;
      attachment.comm.close();
      throw error;
    }
  }

  /** The first events after every attachment: the cluster, what was missed, who left meanwhile. */
  #greet(tick: DecodedTick, hello: Hello): void {
    const sink = this.#sink!;
    const known = this.#known;
    const same = hello.id === known.id;
    const since = known.time;
    const missed = same ? known.missed(hello) : 0;
    if (!same) known.reset(hello.id);
    known.scheduler = hello.services;
    sink.accept({
      kind: 'cluster',
      time: tick.time,
      engine: 'dask',
      address: hello.address || this.#address,
      id: hello.id,
      version: hello.version,
      started: hello.started,
      mode: 'feed',
      services: hello.services,
    });
    if (!same) return;
    if (missed !== 0) {
      sink.accept({ kind: 'gap', since, until: tick.time, size: missed, reason: 'disconnected' });
    }
    this.#reconcile(tick.time, hello);
  }

  /** The agent describes what is there; this says what of what we know is not there any more. */
  #reconcile(time: number, hello: Hello): void {
    const sink = this.#sink!;
    const known = this.#known;
    const here = new Set(hello.workers.map((address) => sink.intern('worker', address)));
    const removed = [...known.workers.keys()].filter((worker) => !here.has(worker));
    for (const worker of removed) known.workers.delete(worker);
    if (removed.length > 0) sink.accept({ kind: 'tick', time, workers: { removed } });
    const prefixes = new Set(hello.prefixes.map((name) => sink.intern('function', name)));
    const dropped = [...known.functions].filter((fn) => !prefixes.has(fn));
    if (dropped.length > 0) {
      sink.accept({
        kind: 'tick',
        time,
        functions: {
          fn: Uint32Array.from(dropped),
          states: new Uint32Array(dropped.length * STATE_COUNT),
          forgotten: Float64Array.from(dropped, (fn) => known.forgotten.get(fn) ?? 0),
          nbytes: new Float64Array(dropped.length),
        },
      });
    }
  }

  /** Resolves with why the connection ended. */
  async #listen({ comm }: Attachment): Promise<TaskglassError> {
    let heard = performance.now();
    let checked = heard;
    const watchdog = setInterval(() => {
      const now = performance.now();
      // When our own loop was blocked, messages may lie in the socket unread: that is not the scheduler's fault.
      const punctual = now - checked < STALLED_AFTER_MS / 2;
      checked = now;
      if (punctual && now - heard > STALLED_AFTER_MS && this.#link === 'connected') {
        this.#setLink('stalled', 'the scheduler does not answer');
      }
    }, STALLED_AFTER_MS / 10);
    comm.listen((message) => {
      heard = performance.now();
      if (this.#closed) return;
      this.#setLink('connected', '');
      if (message === null) return;
      try {
        if (!(message instanceof Uint8Array)) throw new TaskglassError('PROTOCOL_ERROR', 'the agent ended');
        const tick = this.#decoder!.decode(message);
        // After a failure of its own the agent begins anew within the attachment.
        if (tick.hello) this.#reconcile(tick.time, tick.hello);
        this.#accept(tick);
      } catch (error) {
        comm.close(
          error instanceof TaskglassError
            ? error
            : new TaskglassError('PROTOCOL_ERROR', String(error), { cause: error }),
        );
      }
    });
    try {
      return await comm.closed;
    } finally {
      clearInterval(watchdog);
    }
  }

  #accept(tick: DecodedTick): void {
    for (const event of tick.events) this.#sink!.accept(event);
    if (tick.dropped > 0) {
      this.#sink!.accept({
        kind: 'gap',
        since: this.#known.time,
        until: tick.time,
        size: tick.dropped,
        reason: 'overload',
      });
    }
    this.#known.saw(tick);
  }

  #setLink(state: LinkState, reason: string): void {
    if (this.#closed || (state === this.#link && reason === this.#reason)) return;
    this.#link = state;
    this.#reason = reason;
    this.#sink!.accept({ kind: 'link', state, time: Date.now() / 1000, reason });
  }
}

/** What is remembered of a scheduler from one attachment to the next. */
class KnownCluster {
  id: string | undefined;
  /** The time of the last tick. */
  time = 0;
  forgotten: ReadonlyMap<number, number> = new Map();
  /** The scheduler's services. */
  scheduler: Services | undefined;
  readonly workers = new Map<number, WorkerInfo>();
  readonly functions = new Set<number>();
  #transitions: number | null = null;
  #index: number | null = null;
  /** Records since those two were read. */
  #since = 0;
  #finished: number | null = null;
  /** Records since that was read. */
  #sinceFinished = 0;

  reset(id: string): void {
    this.id = id;
    this.forgotten = new Map();
    this.workers.clear();
    this.functions.clear();
    this.#transitions = this.#index = this.#finished = null;
    this.#since = this.#sinceFinished = 0;
  }

  saw(tick: DecodedTick): void {
    if (Number.isFinite(tick.time)) this.time = tick.time;
    const records = tick.finished + tick.dropped;
    this.#since += records;
    this.#sinceFinished += records;
    if (tick.transitions !== null) {
      this.#transitions = tick.transitions;
      this.#index = tick.streamIndex;
      this.#since = 0;
      if (tick.finishedTotal !== null) {
        this.#finished = tick.finishedTotal;
        this.#sinceFinished = 0;
      }
    }
    for (const { workers, functions } of tick.events) {
      for (const worker of workers?.removed ?? []) this.workers.delete(worker);
      for (const info of workers?.added ?? []) this.workers.set(info.worker, info);
      for (const fn of functions?.fn ?? []) this.functions.add(fn);
    }
  }

  /** By its address, else by its name; a name may be taken up again, so the newest has it. */
  worker(nameOrAddress: string): WorkerInfo | undefined {
    const all = [...this.workers.values()];
    return all.find(({ address }) => address === nameOrAddress) ?? all.findLast(({ name }) => name === nameOrAddress);
  }

  detached(decoder: TickDecoder | undefined): void {
    if (decoder) this.forgotten = new Map(decoder.forgotten);
  }

  resumePoint(): ResumePoint | undefined {
    if (this.id === undefined) return undefined;
    return { id: this.id, tc: this.#transitions, index: this.#index, since: this.#since };
  }

  /**
   * Finished tasks that nobody recorded while we were away, by the best of the scheduler's own counts: its
   * task-stream buffer, its transition log, or its counts per prefix (exact unless data were scattered or
   * dependents erred meanwhile). Null when none of them reaches back.
   */
  missed({ gap }: Hello): number | null {
    if (!gap) return null;
    if (gap.recovered !== null && gap.index !== null && this.#index !== null) {
      return Math.max(0, gap.index - this.#index - this.#since - gap.recovered);
    }
    if (gap.logged !== null) return Math.max(0, gap.logged - this.#since);
    if (gap.finished !== null && this.#finished !== null) {
      const size = gap.finished - this.#finished - this.#sinceFinished;
      return size >= 0 ? size : null;
    }
    return null;
  }
}

/** Resolves after a time, or at once when aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
