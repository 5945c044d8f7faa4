import { performance } from 'node:perf_hooks';
import type { FinishedTask } from '../../model/finished-task.ts';
import type { LogEntry } from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import type { Seconds } from '../../model/units.ts';
import { clockOffset, epochNow } from '../clock.ts';
import type { ClusterCore } from '../cluster-core.ts';
import type {
  ClusterObserver,
  FunctionTotals,
  Heartbeat,
  RunningTaskInfo,
  WatchCost,
  WorkerDescription,
} from '../observing/observer.ts';
import { packFinished } from './finished-rows.ts';
import type { BatchMessage, FunctionRows, HelloMessage, WorkerFacts, WorkerLoad } from './messages.ts';

/** News of tasks are told so soon; what happens meanwhile goes with them. */
const SOON_MS = 50;
/** News of workers alone: they come all the time. */
const LATER_MS = 500;
/** So many messages may be under way; what happens meanwhile is added up. */
const MOST_UNDER_WAY = 4;
/** So many finished tasks wait at most for a process that takes nothing; beyond it they are counted and not told. */
const MOST_WAITING = 50_000;
const MOST_LOG = 1000;
/** Calls that are too short to be timed each time are timed once in so often. */
const SAMPLE = 16;

/**
 * Tells another process what an observer hears: added up to one message each 50 ms, fewer while that process is slow, none
 * while nothing happens. Its memory is bounded: what that process could not be told is told to it as a gap.
 */
export class Feed implements ClusterObserver {
  readonly #core: ClusterCore;
  #send: ((message: HelloMessage | BatchMessage) => void) | null = null;
  #pending = new Pending();
  #timer: NodeJS.Timeout | null = null;
  /** 0: nothing is to be told, 1: later, 2: soon. */
  #urgency: 0 | 1 | 2 = 0;
  /** Nothing is kept but the number of what is missed, until everything is told anew. */
  #deaf = true;
  #gap: { since: Seconds; size: number } | null = null;
  /** Messages sent, those of them that were not taken yet, finished tasks told and not told. */
  sent = 0;
  underWay = 0;
  told = 0;
  untold = 0;
  // What watching costs
  #spentMs = 0;
  #costSince = performance.now();
  #costTasks = 0;
  #calls = 0;

  constructor(core: ClusterCore) {
    this.#core = core;
  }

  /** Tells everything anew, to a process that knows nothing. */
  start(send: (message: HelloMessage | BatchMessage) => void): void {
    this.#send = send;
    this.underWay = 0;
    this.#greet();
  }

  /** The other process is gone, and with it all that it was told. */
  lost(): void {
    this.#send = null;
    this.#gap = null;
    this.#becomeDeaf(this.#core.started, this.told + this.untold + this.#pending.finished.length);
  }

  stop(): void {
    this.#send = null;
    this.#clearTimer();
    this.#core.unobserve(this);
  }

  /** The other process took one message. */
  taken(): void {
    this.underWay--;
    if (this.#deaf) this.#greet();
    else if (this.#urgency > 0 && this.#timer === null) this.#flush();
  }

  // The observer

  finished(task: FinishedTask): void {
    if (this.#deaf) {
      this.#missOne();
      return;
    }
    const timed = this.#calls++ % SAMPLE === 0;
    const before = timed ? performance.now() : 0;
    const { finished, running } = this.#pending;
    finished.push(task);
    running.delete(task.key);
    this.#arm(2);
    if (timed) this.#spentMs += (performance.now() - before) * SAMPLE;
    this.#checkRoom();
  }

  running(task: RunningTaskInfo): void {
    if (this.#deaf) return;
    this.#pending.running.set(task.key, task);
    this.#arm(2);
  }

  ended(key: string): void {
    if (this.#deaf) return;
    if (!this.#pending.running.delete(key)) this.#pending.ended.push(key);
    this.#arm(2);
    this.#checkRoom();
  }

  counted(counts: FunctionTotals): void {
    if (this.#deaf) return;
    this.#pending.functions.add(counts);
    this.#arm(2);
  }

  workerAdded(worker: WorkerDescription): void {
    if (this.#deaf) return;
    const { address, name, nthreads, memoryLimit, pid, services } = worker;
    this.#pending.workers.push({ address, name, nthreads, memoryLimit, pid, services });
    this.#pending.changed.add(worker);
    this.#arm(2);
  }

  workerRemoved(worker: WorkerDescription): void {
    if (this.#deaf) return;
    const { workers, changed, heartbeats, running } = this.#pending;
    workers.push({ removed: worker.address });
    changed.delete(worker);
    heartbeats.delete(worker);
    for (const [key, task] of running) if (task.worker === worker.address) running.delete(key);
    this.#arm(2);
  }

  workerChanged(worker: WorkerDescription): void {
    if (this.#deaf) return;
    this.#pending.changed.add(worker);
    this.#arm(1);
  }

  heartbeat(worker: WorkerDescription, heartbeat: Heartbeat): void {
    if (this.#deaf) return;
    this.#pending.heartbeats.set(worker, heartbeat);
    this.workerChanged(worker);
  }

  log(entry: LogEntry): void {
    if (this.#deaf) return;
    if (this.#pending.log.length < MOST_LOG) this.#pending.log.push(entry);
    this.#arm(2);
  }

  closed(): void {
    if (!this.#deaf) this.#flush();
    this.stop();
  }

  // What is told

  #greet(): void {
    this.#pending = new Pending();
    this.#deaf = false;
    // Tells us of everything that is there.
    this.#core.observe(this);
    const { id, address, started, services } = this.#core;
    const missed = this.#gap === null ? null : { ...this.#gap, until: epochNow() };
    this.#gap = null;
    const hello = { op: 'hello', id, address, started, clockOffset: clockOffset(), services: { ...services } } as const;
    this.#flush((first) => ({ ...hello, missed, first }));
  }

  #arm(urgency: 1 | 2): void {
    if (urgency <= this.#urgency) return;
    this.#urgency = urgency;
    if (this.underWay >= MOST_UNDER_WAY) return;
    this.#clearTimer();
    // Watching alone keeps no program alive.
    this.#timer = setTimeout(() => this.#flush(), urgency === 2 ? SOON_MS : LATER_MS).unref();
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(wrap: (batch: BatchMessage) => HelloMessage | BatchMessage = (batch) => batch): void {
    this.#clearTimer();
    this.#urgency = 0;
    const before = performance.now();
    const pending = this.#pending;
    this.#pending = new Pending();
    this.told += pending.finished.length;
    this.#costTasks += pending.finished.length;
    const beats = pending.heartbeats.size > 0;
    const batch: BatchMessage = {
      ...pending.message(),
      ...(beats ? { totals: { ...this.#core.totals(), cost: this.#takeCost() } } : {}),
    };
    this.underWay++;
    this.sent++;
    this.#send?.(wrap(batch));
    this.#spentMs += performance.now() - before;
  }

  /** Where too much waits, it is forgotten and counted. */
  #checkRoom(): void {
    const { finished, ended } = this.#pending;
    if (finished.length < MOST_WAITING && ended.length < MOST_WAITING) return;
    this.#becomeDeaf(finished[0]?.startstops.at(-1)?.stop ?? epochNow(), finished.length);
  }

  #becomeDeaf(since: Seconds, size: number): void {
    this.untold += this.#pending.finished.length;
    this.#pending = new Pending();
    this.#clearTimer();
    this.#urgency = 0;
    this.#deaf = true;
    this.#gap = size === 0 ? this.#gap : { since, size };
  }

  #missOne(): void {
    this.untold++;
    this.#gap ??= { since: epochNow(), size: 0 };
    this.#gap.size++;
  }

  #takeCost(): WatchCost {
    const now = performance.now();
    const cost: WatchCost = {
      share: this.#spentMs / Math.max(now - this.#costSince, 1),
      perTask: this.#costTasks === 0 ? Number.NaN : (this.#spentMs * 1000) / this.#costTasks,
    };
    this.#spentMs = 0;
    this.#costSince = now;
    this.#costTasks = 0;
    return cost;
  }
}

/** What happened since the last message. */
class Pending {
  readonly workers: (WorkerFacts | { readonly removed: string })[] = [];
  readonly finished: FinishedTask[] = [];
  readonly running = new Map<string, RunningTaskInfo>();
  readonly ended: string[] = [];
  readonly functions = new Set<FunctionTotals>();
  readonly changed = new Set<WorkerDescription>();
  readonly heartbeats = new Map<WorkerDescription, Heartbeat>();
  readonly log: LogEntry[] = [];

  message(): BatchMessage {
    const { workers, finished, running, ended, functions, changed, log } = this;
    return {
      op: 'batch',
      ...(workers.length > 0 ? { workers } : {}),
      ...(finished.length > 0 ? { finished: packFinished(finished) } : {}),
      ...(ended.length > 0 ? { ended } : {}),
      ...(running.size > 0 ? { running: [...running.values()] } : {}),
      ...(functions.size > 0 ? { functions: packFunctions(functions) } : {}),
      ...(changed.size > 0 ? { loads: [...changed].map((worker) => this.#load(worker)) } : {}),
      ...(log.length > 0 ? { log } : {}),
    };
  }

  #load(worker: WorkerDescription): WorkerLoad {
    const { address, status, processing, holds, occupancy, nbytes } = worker;
    const heartbeat = this.heartbeats.get(worker);
    const load = { address, status, processing: processing.size, holds: holds.size, occupancy, nbytes };
    return heartbeat === undefined ? load : { ...load, heartbeat };
  }
}

function packFunctions(functions: ReadonlySet<FunctionTotals>): FunctionRows {
  const counts = new Uint32Array(functions.size * STATE_COUNT);
  const forgotten = new Float64Array(functions.size);
  const nbytes = new Float64Array(functions.size);
  const names: string[] = [];
  for (const each of functions) {
    counts.set(each.counts, names.length * STATE_COUNT);
    forgotten[names.length] = each.forgotten;
    nbytes[names.length] = each.nbytes;
    names.push(each.name);
  }
  return { names, counts, forgotten, nbytes };
}
