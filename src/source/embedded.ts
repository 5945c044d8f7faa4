import { performance } from 'node:perf_hooks';
import { TaskglassError } from '../base/errors.ts';
import { epochNow } from '../engine/clock.ts';
import type {
  ClusterObserver,
  FinishedTask,
  FunctionTotals,
  Heartbeat,
  MissedTasks,
  RunningTaskInfo,
  WatchedCluster,
  WorkerDescription,
} from '../engine/index.ts';
import { TASK_ACTIONS } from '../engine/scheduling/task-actions.ts';
import { ENGINE_VERSION } from '../engine/version.ts';
import type {
  AgentCost,
  FunctionCounts,
  LogEntry,
  RunningTask,
  SourceSink,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../model/source-event.ts';
import { STATE_COUNT } from '../model/task-state.ts';
import { finishedColumns } from './finished-builder.ts';
import type { ActionAccess, DebugAccess, Source } from './source.ts';

const TICK_MS = 100;
/** Hooks that are too short to be timed each time are timed once in so often. */
const SAMPLE = 16;

/**
 * The embedded engine as a source: what its observer hears, in one tick each 100 ms, and none while nothing happens. The
 * cluster may be in another process, or the other end of one in this process.
 */
export class EmbeddedSource implements Source {
  readonly debug?: DebugAccess;
  readonly actions: ActionAccess;
  readonly #cluster: WatchedCluster;
  #watch: Watch | null = null;
  #closed = false;

  constructor(cluster: WatchedCluster) {
    this.#cluster = cluster;
    if (cluster.debug !== null) this.debug = cluster.debug;
    this.actions = { names: TASK_ACTIONS, run: (action) => cluster.act(action) };
  }

  /** @throws CLUSTER_CLOSED */
  async start(sink: SourceSink, options: { readonly wait?: boolean } = {}): Promise<void> {
    await this.#cluster.attached;
    if (this.#closed) return;
    if (this.#cluster.closed && options.wait !== true) {
      throw new TaskglassError('CLUSTER_CLOSED', this.#cluster.address);
    }
    this.#watch ??= new Watch(this.#cluster, sink);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class Watch implements ClusterObserver {
  readonly #cluster: WatchedCluster;
  readonly #sink: SourceSink;
  readonly #observing: Disposable;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** What was forgotten before we came. */
  readonly #before = new Map<string, number>();
  #arriving = true;

  /** Finished tasks since something was missed. */
  #told = 0;

  // What happened since the last tick
  #finished: FinishedTask[] = [];
  readonly #started = new Map<string, RunningTask>();
  #ended: string[] = [];
  /** What was told to run is not known any more. */
  #reset = false;
  readonly #counted = new Map<FunctionTotals, number>();
  #added: WorkerInfo[] = [];
  #removed: number[] = [];
  readonly #changed = new Set<WorkerDescription>();
  readonly #heartbeats = new Map<WorkerDescription, Heartbeat>();
  #log: LogEntry[] = [];

  // What watching costs
  #spentMs = 0;
  #costSince = performance.now();
  #costTasks = 0;
  #calls = 0;

  constructor(cluster: WatchedCluster, sink: SourceSink) {
    this.#cluster = cluster;
    this.#sink = sink;
    const { id, address, started, services } = cluster;
    sink.accept({
      kind: 'cluster',
      time: epochNow(),
      engine: 'embedded',
      address,
      id,
      version: ENGINE_VERSION,
      started,
      mode: 'embedded',
      services: { ...services },
    });
    if (cluster.closed) {
      this.#observing = { [Symbol.dispose]: () => {} };
      this.closed();
      return;
    }
    sink.accept({ kind: 'link', state: 'connected', time: epochNow(), reason: '' });
    this.#observing = cluster.observe(this);
    this.#arriving = false;
    this.#tick();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#observing[Symbol.dispose]();
  }

  // The observer

  finished(task: FinishedTask): void {
    const told = this.#told++;
    const { dependencies } = task;
    if (dependencies?.back.some((back) => back > told)) {
      // Before we came, or in what was missed since.
      task = { ...task, dependencies: { ...dependencies, back: dependencies.back.filter((back) => back <= told) } };
    }
    const timed = this.#calls++ % SAMPLE === 0;
    const before = timed ? performance.now() : 0;
    this.#finished.push(task);
    this.#started.delete(task.key);
    this.#arm();
    if (timed) this.#spentMs += (performance.now() - before) * SAMPLE;
  }

  running({ key, prefix, worker, start }: RunningTaskInfo): void {
    const fn = this.#sink.intern('function', prefix);
    this.#started.set(key, { key, fn, worker: this.#sink.intern('worker', worker), start });
    this.#arm();
  }

  missed({ since, until, size }: MissedTasks): void {
    this.#tick();
    this.#told = 0;
    this.#sink.accept({ kind: 'gap', since, until, size, reason: 'overload' });
    this.#reset = true;
    this.#arm();
  }

  ended(key: string): void {
    if (this.#started.delete(key)) return;
    this.#ended.push(key);
    this.#arm();
  }

  counted(counts: FunctionTotals): void {
    if (this.#arriving) {
      this.#before.set(counts.name, counts.forgotten);
      // Nothing of it is there any more, so for us it has not appeared yet.
      if (counts.counts.every((count) => count === 0)) return;
    }
    if (this.#counted.has(counts)) return;
    this.#counted.set(counts, this.#sink.intern('function', counts.name));
    this.#arm();
  }

  workerAdded(worker: WorkerDescription): void {
    this.#added.push({
      worker: this.#sink.intern('worker', worker.address),
      address: worker.address,
      name: worker.name,
      host: new URL(worker.address).hostname,
      nthreads: worker.nthreads,
      memoryLimit: worker.memoryLimit,
      version: ENGINE_VERSION,
      services: { ...worker.services },
      nanny: '',
      pid: worker.pid,
      localDirectory: process.cwd(),
    });
    this.#changed.add(worker);
    this.#arm();
  }

  workerRemoved(worker: WorkerDescription): void {
    const index = this.#sink.intern('worker', worker.address);
    this.#removed.push(index);
    this.#changed.delete(worker);
    this.#heartbeats.delete(worker);
    for (const [key, task] of this.#started) if (task.worker === index) this.#started.delete(key);
    this.#arm();
  }

  workerChanged(worker: WorkerDescription): void {
    this.#changed.add(worker);
    this.#arm();
  }

  heartbeat(worker: WorkerDescription, heartbeat: Heartbeat): void {
    this.#heartbeats.set(worker, heartbeat);
    this.#changed.add(worker);
    this.#arm();
  }

  log(entry: LogEntry): void {
    this.#log.push(entry);
    this.#arm();
  }

  closed(): void {
    if (this.#closed) return;
    this.#tick();
    this.#sink.accept({ kind: 'link', state: 'lost', time: epochNow(), reason: 'the cluster was closed' });
    this.close();
  }

  // The tick

  #arm(): void {
    // Watching alone keeps no program alive.
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const before = performance.now();
    const beats = this.#heartbeats.size > 0;
    const event: TickEvent = {
      kind: 'tick',
      time: epochNow(),
      ...this.#takeTasks(),
      ...this.#takeFunctions(),
      ...this.#takeWorkers(),
      ...(this.#log.length > 0 ? { log: this.#log } : {}),
      ...(beats ? this.#totals() : {}),
    };
    this.#log = [];
    this.#spentMs += performance.now() - before;
    if (Object.keys(event).length > 2) this.#sink.accept(event);
  }

  #takeTasks(): Pick<TickEvent, 'finished' | 'running'> {
    const finished = this.#finished;
    const started = [...this.#started.values()];
    const ended = this.#ended;
    const reset = this.#reset;
    this.#finished = [];
    this.#reset = false;
    this.#started.clear();
    this.#ended = [];
    this.#costTasks += finished.length;
    return {
      ...(finished.length > 0 ? { finished: finishedColumns(finished, this.#sink) } : {}),
      ...(reset || started.length + ended.length > 0 ? { running: { reset, started, ended } } : {}),
    };
  }

  #takeFunctions(): { functions?: FunctionCounts } {
    const { size } = this.#counted;
    if (size === 0) return {};
    const functions = {
      fn: new Uint32Array(size),
      states: new Uint32Array(size * STATE_COUNT),
      forgotten: new Float64Array(size),
      nbytes: new Float64Array(size),
    };
    let row = 0;
    for (const [{ name, counts, forgotten, nbytes }, fn] of this.#counted) {
      functions.fn[row] = fn;
      functions.states.set(counts, row * STATE_COUNT);
      functions.forgotten[row] = forgotten - (this.#before.get(name) ?? 0);
      functions.nbytes[row] = nbytes;
      row++;
    }
    this.#counted.clear();
    return { functions };
  }

  #takeWorkers(): Pick<TickEvent, 'workers'> {
    const added = this.#added;
    const removed = this.#removed;
    const samples = [...this.#changed].map((worker) => this.#sample(worker));
    this.#added = [];
    this.#removed = [];
    this.#changed.clear();
    this.#heartbeats.clear();
    if (added.length + removed.length + samples.length === 0) return {};
    return {
      workers: {
        ...(added.length > 0 ? { added } : {}),
        ...(removed.length > 0 ? { removed } : {}),
        ...(samples.length > 0 ? { samples } : {}),
      },
    };
  }

  #sample(worker: WorkerDescription): WorkerSample {
    const heartbeat = this.#heartbeats.get(worker);
    const processing = worker.processing.size;
    return {
      worker: this.#sink.intern('worker', worker.address),
      status: worker.status,
      counts: {
        processing,
        inMemory: worker.holds.size,
        executing: Math.min(processing, worker.nthreads),
        occupancy: worker.occupancy,
        nbytes: worker.nbytes,
      },
      ...(heartbeat === undefined ? {} : { metrics: metrics(heartbeat) }),
    };
  }

  #totals(): Pick<TickEvent, 'totals' | 'cost'> {
    const { loopLag, cost: told, ...totals } = this.#cluster.totals();
    const at = performance.now();
    const cost: AgentCost = {
      // What is done in this process costs the scheduler's nothing where that is another one.
      share: told?.share ?? this.#spentMs / Math.max(at - this.#costSince, 1),
      perTask: told?.perTask ?? (this.#costTasks === 0 ? Number.NaN : (this.#spentMs * 1000) / this.#costTasks),
      loopLag,
    };
    this.#spentMs = 0;
    this.#costSince = at;
    this.#costTasks = 0;
    return { totals, cost };
  }
}

function metrics({ time, readings }: Heartbeat): NonNullable<WorkerSample['metrics']> {
  const { executing: _, ...rest } = readings;
  // Results never leave memory here.
  return { lastSeen: time, spilled: 0, ...rest };
}
