import { type SchedulerState, STATE_COUNT } from '../../model/task-state.ts';
import type { Duration } from '../../model/units.ts';
import type { FunctionRef } from '../functions/function-ref.ts';
import type { RemoteError } from '../protocol.ts';

/** A task's state; a forgotten one is in no table any more. */
export type TaskState = SchedulerState | 'forgotten';

/** What a task does, as it was submitted. */
export interface TaskSpec {
  readonly key: string;
  readonly fn: FunctionRef;
  readonly args: Uint8Array;
  readonly token: string;
  /** Keys of the tasks whose results it takes, in the order of their tokens. */
  readonly inputs: readonly string[];
  /** Names or addresses of the only workers that may run it; null = any. */
  readonly workers: ReadonlySet<string> | null;
  /** How often it may fail before it is erred. */
  readonly retries: number;
}

/** Why a task is erred. */
export interface TaskFailure {
  readonly code: 'TASK_ERRED' | 'KILLED_WORKER';
  /** The key of the task that failed: another than one's own when it was inherited from an input. */
  readonly key: string;
  readonly error: RemoteError;
}

export class Task {
  readonly key: string;
  readonly spec: TaskSpec;
  readonly prefix: Prefix;
  /** Order of submission: what was submitted earlier runs earlier. */
  readonly priority: number;
  state: TaskState = 'released';
  /** Tasks whose results this one takes, and the other way round. */
  readonly dependencies = new Set<Task>();
  readonly dependents = new Set<Task>();
  /** Dependencies that are not in memory yet; only while waiting. */
  readonly waitingOn = new Set<Task>();
  /** Dependents that are not finished and need this one's result. */
  readonly waiters = new Set<Task>();
  /** Futures that were not released. */
  wanted = 0;
  readonly holders = new Set<WorkerState>();
  worker: WorkerState | null = null;
  /** +1 with every assignment to a worker: messages about earlier ones are stale. */
  attempt = 0;
  /** When it left `waiting`, or 0. */
  readySince = 0;
  /** Number of the record of its last run, counted from 1; 0: it has none. */
  record = 0;
  /** When it was seen to run, or 0. */
  runningSince = 0;
  /** What its run is expected to take, as added to its worker's occupancy. */
  expected: Duration = 0;
  nbytes = 0;
  type = '';
  failure: TaskFailure | null = null;
  /** Workers that died with it. */
  suspicious = 0;
  retriesLeft: number;
  /** It was in memory at some time. */
  completed = false;

  constructor(spec: TaskSpec, prefix: Prefix, priority: number) {
    this.key = spec.key;
    this.spec = spec;
    this.prefix = prefix;
    this.priority = priority;
    this.retriesLeft = spec.retries;
  }
}

/** Dask's guess for a function that never ran. */
const UNKNOWN_DURATION_S = 0.5;

/** All tasks of one function. */
export class Prefix {
  readonly name: string;
  /** One number per state, in the order of SCHEDULER_STATES. */
  readonly counts = new Uint32Array(STATE_COUNT);
  /** Tasks that completed and were forgotten. */
  forgotten = 0;
  /** Bytes of results in memory, each counted once. */
  nbytes = 0;
  #duration = Number.NaN;

  constructor(name: string) {
    this.name = name;
  }

  /** What a run is expected to take: a moving average. */
  get duration(): Duration {
    return Number.isNaN(this.#duration) ? UNKNOWN_DURATION_S : this.#duration;
  }

  observe(duration: Duration): void {
    this.#duration = Number.isNaN(this.#duration) ? duration : this.#duration * 0.5 + duration * 0.5;
  }
}

const SATURATION = 1.1;
/** A worker has at most so much work ahead for each thread before it gets tiny tasks by the count. */
const TINY_S = 0.005;
const MOST_TINY = 32;

/** A worker as the scheduler sees it. */
export class WorkerState {
  readonly address: string;
  readonly name: string;
  readonly nthreads: number;
  readonly memoryLimit: number;
  readonly pid: number;
  /** Ports by name that the worker listens on besides its address. */
  readonly services: Readonly<Record<string, number>>;
  status: 'running' | 'paused' = 'running';
  readonly processing = new Set<Task>();
  readonly holds = new Set<Task>();
  /** Expected seconds of work in `processing`. */
  occupancy: Duration = 0;
  /** Bytes of results held. */
  nbytes = 0;
  /** Functions that were sent there. */
  readonly functions = new Set<string>();

  constructor(
    address: string,
    name: string,
    nthreads: number,
    memoryLimit: number,
    pid: number,
    services: Readonly<Record<string, number>> = {},
  ) {
    this.address = address;
    this.name = name;
    this.nthreads = nthreads;
    this.memoryLimit = memoryLimit;
    this.pid = pid;
    this.services = services;
  }

  /**
   * Whether it takes tasks from the queue: a little more than one per thread, so that a thread never waits for
   * the scheduler, and not much more, so that the order of the queue decides. Dask's worker-saturation of 1.1.
   * Of tasks that are done in less time than a message takes it gets several, whose messages then travel together.
   */
  get open(): boolean {
    if (this.status !== 'running') return false;
    const { size } = this.processing;
    if (size < Math.ceil(this.nthreads * SATURATION)) return true;
    return size < this.nthreads * MOST_TINY && this.occupancy < this.nthreads * TINY_S;
  }
}
