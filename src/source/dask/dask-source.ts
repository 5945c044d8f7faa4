import { TaskglassError } from '../../base/errors.ts';
import type { LinkState, SourceSink } from '../../model/source-event.ts';
import type { Source } from '../source.ts';
import { DaskActions } from './actions.ts';
import { AgentWatch } from './agent-watch.ts';
import { AGENT_ROUTES, AgentUnfit } from './attach.ts';
import type { TlsOptions } from './comm/tls.ts';
import { DaskDebugAccess } from './debug-access.ts';
import { KnownCluster } from './known-cluster.ts';
import { type Polled, PollingWatch } from './polling/polling-watch.ts';
import { addressOf, type SchedulerAddress } from './scheduler-file.ts';
import type { Watch } from './watch.ts';

export interface DaskSourceOptions {
  /** For connecting and attaching. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** For tls:// addresses; what is absent is looked up in Dask's own configuration. */
  readonly tls?: TlsOptions;
}

/** Without a sign of life for this long, a connected scheduler counts as stalled. */
const STALLED_AFTER_MS = 1_000;
/** Ways in, best first. */
const ROUTES = [...AGENT_ROUTES, 'polling'] as const;
type Route = (typeof ROUTES)[number];
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/**
 * Watches a Dask scheduler: through our agent where it lets us in, by polling where not. A lost scheduler is retried for ever; when the same one is back,
 * what was missed meanwhile becomes a gap with its size, as far as the scheduler itself knows it.
 */
export class DaskSource implements Source {
  readonly debug: DaskDebugAccess;
  readonly actions: DaskActions;
  readonly #address: () => string;
  readonly #options: DaskSourceOptions;
  readonly #closing = new AbortController();
  #sink: SourceSink | undefined;
  #link: LinkState | undefined;
  #reason = '';
  #current: Watch | undefined;
  #route: Route = ROUTES[0];
  #polled: Polled | undefined;
  /** Why the agent cannot run in this scheduler; empty while nothing is known of that. */
  #unfit = '';
  #watching: Promise<void> = Promise.resolve();
  readonly #known = new KnownCluster();

  /** Throws ADDRESS_INVALID or SCHEME_UNSUPPORTED. */
  constructor(address: SchedulerAddress, options: DaskSourceOptions = {}) {
    this.#address = addressOf(address);
    this.#options = options;
    this.actions = new DaskActions(this.#address, () => this.#known.abilities, options.tls);
    this.debug = new DaskDebugAccess(this.#address, this.#known, { ...(options.tls && { tls: options.tls }) });
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
    this.actions[Symbol.dispose]();
    const comm = this.#current?.comm;
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
      const watch = this.#current;
      if (watch) {
        const { comm } = watch;
        const attached = performance.now();
        const reason = await this.#listen(watch);
        this.#current = undefined;
        if (this.#closed) return;
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
    const watch = await this.#tryRoutes();
    try {
      watch.begin(() => this.#setLink('connected', ''));
      this.#current = watch;
    } catch (error) {
      watch.comm.close();
      throw error;
    }
  }

  /** The best way in that the scheduler allows. It is kept: each one that is refused leaves a traceback in its log. */
  async #tryRoutes(): Promise<Watch> {
    for (const route of ROUTES.slice(ROUTES.indexOf(this.#route))) {
      if (this.#unfit !== '' && route !== 'polling') continue;
      this.#route = route;
      try {
        return await this.#tryRoute(route);
      } catch (error) {
        if (!(error instanceof TaskglassError) || error.code !== 'AGENT_REFUSED') throw error;
        if (error instanceof AgentUnfit) this.#unfit = error.detail;
        if (route === ROUTES.at(-1)) {
          this.#beginAnew();
          throw error;
        }
      }
    }
    throw new TaskglassError('INTERNAL', 'no way to attach is left');
  }

  async #tryRoute(route: Route): Promise<Watch> {
    const { connectTimeoutMs: timeoutMs = 5_000, tls } = this.#options;
    const options = { timeoutMs, signal: this.#closing.signal, ...(tls && { tls }) };
    const sink = this.#sink!;
    const address = this.#address();
    if (route !== 'polling') return AgentWatch.attach(address, route, sink, this.#known, options);
    const watch = await PollingWatch.attach(address, this.#polled, this.#unfit, sink, this.#known, options);
    const another = this.#polled !== undefined && this.#polled !== watch.polled;
    this.#polled = watch.polled;
    if (!another) return watch;
    // A scheduler that was started anew may be configured anew.
    watch.comm.close();
    this.#beginAnew();
    return this.#tryRoutes();
  }

  #beginAnew(): void {
    this.#route = ROUTES[0];
    this.#unfit = '';
  }

  /** Resolves with why the connection ended. */
  async #listen(watch: Watch): Promise<TaskglassError> {
    let checked = performance.now();
    const watchdog = setInterval(() => {
      const now = performance.now();
      // When our own loop was blocked, messages may lie in the socket unread: that is not the scheduler's fault.
      const punctual = now - checked < STALLED_AFTER_MS / 2;
      checked = now;
      const { owedSince } = watch;
      if (owedSince === null || now - owedSince <= STALLED_AFTER_MS) this.#setLink('connected', '');
      else if (punctual) this.#setLink('stalled', 'the scheduler does not answer');
    }, STALLED_AFTER_MS / 10);
    try {
      return await watch.listen();
    } finally {
      clearInterval(watchdog);
    }
  }

  #setLink(state: LinkState, reason: string): void {
    if (this.#closed || (state === this.#link && reason === this.#reason)) return;
    this.#link = state;
    this.#reason = reason;
    this.#sink!.accept({ kind: 'link', state, time: Date.now() / 1000, reason });
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
