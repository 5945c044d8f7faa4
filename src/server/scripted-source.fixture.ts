import { DEBUG_SERVICE } from '../model/debug.ts';
import type {
  FinishedColumns,
  SourceEvent,
  SourceSink,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../model/source-event.ts';
import { ACTION_INDEX, type SchedulerState, STATE_COUNT, STATE_INDEX } from '../model/task-state.ts';
import type { DebugAccess, Source } from '../source/source.ts';

/** A finished task in few words. Times in seconds. */
export interface ScriptedTask {
  readonly key: string;
  readonly fn: string;
  readonly worker?: string;
  readonly thread?: number;
  readonly start: number;
  readonly stop: number;
  readonly error?: { readonly exception: string; readonly traceback: string };
  /** A transfer before it, from this worker. */
  readonly from?: string;
  readonly ready?: number;
  /** How many records before it its dependencies are. */
  readonly back?: readonly number[];
}

export const WORKER = 'tcp://10.0.0.1:4001';
/** When everything in these scripts begins. */
export const EPOCH = 1_790_000_000;

/** A source whose engine is a test: it says what the test says. */
export class ScriptedSource implements Source {
  closed = false;
  /** Set it before the start: then every process lists debug pages. */
  debug?: DebugAccess;
  waited: boolean | undefined;
  #sink: SourceSink | null = null;
  readonly #start: (source: ScriptedSource) => void;
  readonly #fail: Error | null;

  constructor(start: (source: ScriptedSource) => void = (source) => source.attach(), fail: Error | null = null) {
    this.#start = start;
    this.#fail = fail;
  }

  async start(sink: SourceSink, options?: { readonly wait?: boolean }): Promise<void> {
    this.waited = options?.wait;
    if (this.#fail !== null) throw this.#fail;
    this.#sink = sink;
    this.#start(this);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get sink(): SourceSink {
    if (this.#sink === null) throw new Error('not started');
    return this.#sink;
  }

  emit(event: SourceEvent): void {
    this.sink.accept(event);
  }

  tick(parts: Omit<TickEvent, 'kind' | 'time'>, time = EPOCH + 1): void {
    this.emit({ kind: 'tick', time, ...parts });
  }

  attach(workers: readonly string[] = [WORKER]): void {
    this.emit({
      kind: 'cluster',
      time: EPOCH,
      engine: 'dask',
      address: 'tcp://10.0.0.1:8786',
      id: 'Scheduler-1',
      version: '2026.8.0',
      started: EPOCH - 60,
      mode: 'feed',
      services: this.debug === undefined ? {} : { [DEBUG_SERVICE]: 8788 },
    });
    this.emit({ kind: 'link', state: 'connected', time: EPOCH, reason: '' });
    this.tick({
      workers: {
        added: workers.map((address, i) => this.#worker(address, i)),
        samples: workers.map((w) => this.sample(w)),
      },
      totals: { clients: 1, idle: 0, saturated: 0, occupancy: 0, cpu: 3, memory: 1e8 },
      cost: { share: 0.002, perTask: Number.NaN, loopLag: 0.001 },
    });
  }

  sample(worker: string, cpu = 50): WorkerSample {
    return {
      worker: this.sink.intern('worker', worker),
      status: 'running',
      counts: { processing: 0, inMemory: 0, executing: 0, occupancy: 0, nbytes: 0 },
      metrics: {
        lastSeen: EPOCH + 1,
        cpu,
        process: 2e8,
        managed: 1e6,
        unmanagedOld: 1e8,
        unmanagedRecent: 1e7,
        spilled: Number.NaN,
        networkRead: 1_000,
        networkWrite: 2_000,
        diskRead: Number.NaN,
        diskWrite: Number.NaN,
        fds: 20,
        eventLoopInterval: 0.02,
        latency: Number.NaN,
      },
    };
  }

  /** Tasks that finished, as one tick. */
  finish(tasks: readonly ScriptedTask[], time = Math.max(...tasks.map((task) => task.stop))): void {
    this.tick({ finished: this.#columns(tasks) }, time);
  }

  counts(fn: string, states: Partial<Record<SchedulerState, number>>, nbytes = 0): void {
    const row = new Uint32Array(STATE_COUNT);
    for (const [state, n] of Object.entries(states)) row[STATE_INDEX[state as SchedulerState]] = n;
    this.tick({
      functions: {
        fn: Uint32Array.of(this.sink.intern('function', fn)),
        states: row,
        forgotten: Float64Array.of(0),
        nbytes: Float64Array.of(nbytes),
      },
    });
  }

  #worker(address: string, i: number): WorkerInfo {
    return {
      worker: this.sink.intern('worker', address),
      address,
      name: `worker-${i}`,
      host: '10.0.0.1',
      nthreads: 2,
      memoryLimit: 4e9,
      version: '2026.8.0',
      services: { dashboard: 40_001, ...(this.debug !== undefined && { [DEBUG_SERVICE]: 8789 }) },
      nanny: '',
      pid: 100 + i,
      localDirectory: '/scratch',
    };
  }

  #columns(tasks: readonly ScriptedTask[]): FinishedColumns {
    const { sink } = this;
    const startstops = tasks.flatMap((task) => [
      ...(task.from === undefined
        ? []
        : [
            {
              action: ACTION_INDEX.transfer,
              start: task.start - 0.1,
              stop: task.start,
              origin: sink.intern('worker', task.from),
            },
          ]),
      { action: ACTION_INDEX.compute, start: task.start, stop: task.stop, origin: 0 },
    ]);
    return {
      length: tasks.length,
      keys: tasks.map((task) => task.key),
      fn: Uint32Array.from(tasks, (task) => sink.intern('function', task.fn)),
      group: Uint32Array.from(tasks, (task) => sink.intern('group', `${task.fn}-group`)),
      worker: Uint32Array.from(tasks, (task) => sink.intern('worker', task.worker ?? WORKER)),
      thread: Float64Array.from(tasks, (task) => task.thread ?? 1),
      type: Uint32Array.from(tasks, () => sink.intern('type', 'int')),
      status: Uint8Array.from(tasks, (task) => (task.error ? 1 : 0)),
      nbytes: Float64Array.from(tasks, () => 28),
      startstops: Uint16Array.from(tasks, (task) => (task.from === undefined ? 1 : 2)),
      action: Uint8Array.from(startstops, (s) => s.action),
      start: Float64Array.from(startstops, (s) => s.start),
      stop: Float64Array.from(startstops, (s) => s.stop),
      origin: Uint32Array.from(startstops, (s) => s.origin),
      ready: Float64Array.from(tasks, (task) => task.ready ?? Number.NaN),
      needs: Uint32Array.from(tasks, (task) => task.back?.length ?? 0),
      dependencies: Uint16Array.from(tasks, (task) => task.back?.length ?? 0),
      back: Uint32Array.from(tasks.flatMap((task) => task.back ?? [])),
      errors: new Map(tasks.flatMap((task, i) => (task.error ? [[i, task.error] as const] : []))),
      past: false,
    };
  }
}

/** `count` tasks of function `fn`, 10 ms each, one after another. */
export function tasksOf(fn: string, count: number, from = EPOCH): ScriptedTask[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `${fn}-${i}`,
    fn,
    start: from + i * 0.01,
    stop: from + i * 0.01 + 0.01,
  }));
}
