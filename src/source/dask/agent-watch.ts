import { TaskglassError } from '../../base/errors.ts';
import type { SourceSink } from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import { type AgentRoute, type Attachment, attachAgent } from './attach.ts';
import type { Comm, ConnectOptions } from './comm/comm.ts';
import type { DaskValue } from './comm/message.ts';
import { isRecord } from './comm/msgpack.ts';
import { remoteError } from './comm/rpc.ts';
import type { KnownCluster } from './known-cluster.ts';
import { type DecodedTick, type Hello, TickDecoder } from './tick-decoder.ts';
import type { Watch } from './watch.ts';

/** Watches through our agent, which pushes a message a tick. */
export class AgentWatch implements Watch {
  readonly comm: Comm;
  readonly #sink: SourceSink;
  readonly #known: KnownCluster;
  readonly #route: AgentRoute;
  readonly #decoder: TickDecoder;
  readonly #first: DecodedTick & { readonly hello: Hello };
  #heard = performance.now();

  private constructor(attachment: Attachment, route: AgentRoute, sink: SourceSink, known: KnownCluster) {
    this.comm = attachment.comm;
    this.#sink = sink;
    this.#known = known;
    this.#route = route;
    // The decoder that counts on from before is only right for the same scheduler, which its first message tells.
    let decoder = new TickDecoder(sink, known.forgotten);
    let first = decoder.decode(attachment.first);
    if (first.hello && first.hello.id !== known.id) {
      decoder = new TickDecoder(sink);
      first = decoder.decode(attachment.first);
    }
    const { hello } = first;
    if (!hello) throw new TaskglassError('PROTOCOL_ERROR', 'the agent did not greet');
    this.#decoder = decoder;
    this.#first = { ...first, hello };
  }

  /** Throws what `attachAgent` throws, and PROTOCOL_ERROR for what no agent sends. */
  static async attach(
    address: string,
    route: AgentRoute,
    sink: SourceSink,
    known: KnownCluster,
    options: ConnectOptions,
  ): Promise<AgentWatch> {
    const attachment = await attachAgent(address, route, known.resumePoint(), options);
    try {
      return new AgentWatch(attachment, route, sink, known);
    } catch (error) {
      attachment.comm.close();
      throw error;
    }
  }

  /** It ticks ten times a second, so it owes us one always. */
  get owedSince(): number {
    return this.#heard;
  }

  begin(connected: () => void): void {
    this.#heard = performance.now();
    this.#greet(this.#first, this.#first.hello);
    connected();
    this.#accept(this.#first);
  }

  async listen(): Promise<TaskglassError> {
    const { comm } = this;
    comm.listen((message) => {
      this.#heard = performance.now();
      if (comm.isClosed || message === null) return;
      try {
        this.#receive(message);
      } catch (error) {
        comm.close(
          error instanceof TaskglassError
            ? error
            : new TaskglassError('PROTOCOL_ERROR', String(error), { cause: error }),
        );
      }
    });
    const reason = await comm.closed;
    this.#known.forgotten = new Map(this.#decoder.forgotten);
    return reason;
  }

  #receive(message: DaskValue): void {
    if (!(message instanceof Uint8Array)) {
      // So a coroutine ends that was run to its end: the scheduler is shutting down.
      if (isRecord(message) && message.status === 'OK') {
        this.comm.close();
        return;
      }
      throw new TaskglassError('PROTOCOL_ERROR', `the agent ended: ${remoteError(message) ?? 'it does not say why'}`);
    }
    const tick = this.#decoder.decode(message);
    // After a failure of its own the agent begins anew within the attachment.
    if (tick.hello) this.#reconcile(tick.time, tick.hello);
    this.#accept(tick);
  }

  /** The first events after every attachment: the cluster, what was missed, who left meanwhile. */
  #greet(tick: DecodedTick, hello: Hello): void {
    const sink = this.#sink;
    const known = this.#known;
    const same = hello.id === known.id;
    const since = known.time;
    const missed = same ? known.missed(hello) : 0;
    if (!same) {
      const unheard = known.unheard({ started: hello.started, time: tick.time });
      // Before the new one is announced: it belongs to the history of the old one.
      if (unheard !== null) sink.accept(unheard);
      known.reset(hello.id);
    }
    known.scheduler = hello.services;
    known.abilities = hello.abilities;
    sink.accept({
      kind: 'cluster',
      time: tick.time,
      engine: 'dask',
      address: hello.address || this.comm.address,
      id: hello.id,
      version: hello.version,
      started: hello.started,
      mode: this.#route,
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
    const sink = this.#sink;
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

  #accept(tick: DecodedTick): void {
    const known = this.#known;
    for (const event of tick.events) this.#sink.accept(event);
    if (tick.dropped > 0) {
      const size = tick.dropped;
      this.#sink.accept({ kind: 'gap', since: known.time, until: tick.time, size, reason: 'overload' });
    }
    known.saw(tick);
  }
}
