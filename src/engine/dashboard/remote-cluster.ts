import { type ErrorCode, TaskglassError } from '../../base/errors.ts';
import type { ClusterAction } from '../../model/cluster-action.ts';
import type { DebugIndex, DebugView } from '../../model/debug.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import { setClockOffset } from '../clock.ts';
import type {
  ClusterObserver,
  FunctionTotals,
  Heartbeat,
  MissedTasks,
  RunningTaskInfo,
  SchedulerTotals,
} from '../observing/observer.ts';
import { Observers } from '../observing/observers.ts';
import type { ClusterDebug, WatchedCluster } from '../observing/watched-cluster.ts';
import { unpackFinished } from './finished-rows.ts';
import type {
  Answer,
  BatchMessage,
  DebugTarget,
  Failure,
  FromPages,
  FunctionRows,
  HelloMessage,
  ToPages,
  WorkerFacts,
  WorkerLoad,
} from './messages.ts';

/** Longer than the scheduler's process waits for a worker: its own answer says more. */
const ANSWER_MS = 10_000;

/** A cluster, seen from the process of its pages: what the other end's {@link Feed} tells, told on to observers here. */
export class RemoteCluster implements WatchedCluster {
  id = '';
  address = '';
  started = 0;
  services: Readonly<Record<string, number>> = {};
  closed = false;
  readonly attached: Promise<void>;
  readonly debug: ClusterDebug;
  readonly #send: (message: FromPages) => void;
  readonly #observers = new Observers();
  readonly #workers = new Map<string, RemoteWorker>();
  readonly #functions = new Map<string, RemoteFunction>();
  readonly #running = new Map<string, RunningTaskInfo>();
  readonly #questions = new Map<number, Question>();
  /** What finished before there was a process of the pages to tell it to, or while there was another one. */
  #missedBefore: MissedTasks | null = null;
  #totals: SchedulerTotals = { clients: 0, idle: 0, saturated: 0, occupancy: 0, cpu: 0, memory: 0, loopLag: 0 };
  #asked = 0;
  #attach: () => void = () => {};

  constructor(send: (message: FromPages) => void) {
    this.#send = send;
    this.attached = new Promise((resolve) => {
      this.#attach = resolve;
    });
    this.debug = {
      index: (target) => this.#ask(target, null) as Promise<DebugIndex>,
      view: (target, topic) => this.#ask(target, topic) as Promise<DebugView>,
    };
  }

  async act(action: ClusterAction): Promise<string> {
    return (await this.#question((id) => ({ op: 'act', id, action }), ANSWER_MS, 'ACTION_FAILED')) as string;
  }

  get observers(): number {
    return this.#observers.size;
  }

  /** Runs the example computation over there. Resolves when it is done. */
  async example(): Promise<void> {
    await this.#question((id) => ({ op: 'example', id }), Number.POSITIVE_INFINITY);
  }

  /** Takes what the other end says. */
  receive(message: Exclude<ToPages, { readonly op: 'serve' | 'close' }>): void {
    switch (message.op) {
      case 'hello':
        this.#hello(message);
        this.#send({ op: 'taken' });
        break;
      case 'batch':
        this.#batch(message);
        this.#send({ op: 'taken' });
        break;
      case 'answer':
        this.#questions.get(message.id)?.resolve(message.value);
        break;
      case 'refusal':
        this.#questions.get(message.id)?.reject(errorOf(message.failure));
        break;
      case 'closed':
        this.closed = true;
        this.#observers.each((observer) => observer.closed?.());
        break;
    }
  }

  observe(observer: ClusterObserver): Disposable {
    this.#observers.add(observer);
    if (this.#missedBefore !== null) observer.missed?.(this.#missedBefore);
    this.#missedBefore = null;
    for (const worker of this.#workers.values()) {
      observer.workerAdded?.(worker);
      if (worker.heartbeat !== null) observer.heartbeat?.(worker, worker.heartbeat);
    }
    for (const task of this.#running.values()) observer.running?.(task);
    for (const counts of this.#functions.values()) observer.counted?.(counts);
    return { [Symbol.dispose]: () => this.#observers.delete(observer) };
  }

  totals(): SchedulerTotals {
    return this.#totals;
  }

  #hello({ id, address, started, clockOffset, services, missed, first }: HelloMessage): void {
    setClockOffset(clockOffset);
    this.id = id;
    this.address = address;
    this.started = started;
    this.services = services;
    // Whatever is not told again is not there any more.
    const here = new Set(first.workers?.map((worker) => ('removed' in worker ? '' : worker.address)));
    for (const worker of [...this.#workers.keys()]) if (!here.has(worker)) this.#removeWorker(worker);
    this.#running.clear();
    if (missed !== null) {
      this.#observers.each((observer) => observer.missed?.(missed));
      this.#missedBefore = this.#observers.size === 0 ? missed : null;
    }
    this.#batch(first);
    this.#attach();
  }

  #batch(batch: BatchMessage): void {
    if (batch.totals !== undefined) this.#totals = batch.totals;
    for (const worker of batch.workers ?? []) {
      if ('removed' in worker) this.#removeWorker(worker.removed);
      else this.#addWorker(worker);
    }
    if (batch.finished !== undefined) {
      for (const task of unpackFinished(batch.finished)) {
        this.#running.delete(task.key);
        this.#observers.each((observer) => observer.finished?.(task));
      }
    }
    for (const key of batch.ended ?? []) {
      this.#running.delete(key);
      this.#observers.each((observer) => observer.ended?.(key));
    }
    for (const task of batch.running ?? []) {
      this.#running.set(task.key, task);
      this.#observers.each((observer) => observer.running?.(task));
    }
    if (batch.functions !== undefined) this.#count(batch.functions);
    for (const load of batch.loads ?? []) this.#load(load);
    for (const entry of batch.log ?? []) this.#observers.each((observer) => observer.log?.(entry));
  }

  #addWorker(facts: WorkerFacts): void {
    if (this.#workers.has(facts.address)) return;
    const worker = new RemoteWorker(facts);
    this.#workers.set(facts.address, worker);
    this.#observers.each((observer) => observer.workerAdded?.(worker));
  }

  #removeWorker(address: string): void {
    const worker = this.#workers.get(address);
    if (worker === undefined) return;
    this.#workers.delete(address);
    for (const [key, task] of this.#running) if (task.worker === address) this.#running.delete(key);
    this.#observers.each((observer) => observer.workerRemoved?.(worker));
  }

  #load(load: WorkerLoad): void {
    const worker = this.#workers.get(load.address);
    if (worker === undefined) return;
    worker.take(load);
    const { heartbeat } = load;
    if (heartbeat === undefined) this.#observers.each((observer) => observer.workerChanged?.(worker));
    else this.#observers.each((observer) => observer.heartbeat?.(worker, heartbeat));
  }

  #count(rows: FunctionRows): void {
    rows.names.forEach((name, row) => {
      let totals = this.#functions.get(name);
      if (totals === undefined) {
        totals = { name, counts: new Uint32Array(STATE_COUNT), forgotten: 0, nbytes: 0 };
        this.#functions.set(name, totals);
      }
      totals.counts.set(rows.counts.subarray(row * STATE_COUNT, (row + 1) * STATE_COUNT));
      totals.forgotten = rows.forgotten[row]!;
      totals.nbytes = rows.nbytes[row]!;
      const told = totals;
      this.#observers.each((observer) => observer.counted?.(told));
    });
  }

  #ask(target: DebugTarget, topic: string | null): Promise<Answer> {
    return this.#question((id) => ({ op: 'debug', id, target, topic }), ANSWER_MS);
  }

  async #question(
    message: (id: number) => FromPages,
    patience: number,
    late: ErrorCode = 'DEBUG_TIMEOUT',
  ): Promise<Answer> {
    const id = ++this.#asked;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#questions.set(id, { resolve, reject });
        if (Number.isFinite(patience)) {
          timer = setTimeout(() => reject(new TaskglassError(late, 'the scheduler is silent')), patience);
        }
        this.#send(message(id));
      });
    } finally {
      clearTimeout(timer);
      this.#questions.delete(id);
    }
  }
}

interface Question {
  readonly resolve: (value: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface RemoteFunction extends FunctionTotals {
  readonly counts: Uint32Array;
  forgotten: number;
  nbytes: number;
}

/** The same object for as long as the worker is there, as in the scheduler's own process. */
class RemoteWorker implements WorkerFacts {
  readonly address: string;
  readonly name: string;
  readonly nthreads: number;
  readonly memoryLimit: number;
  readonly pid: number;
  readonly services: Readonly<Record<string, number>>;
  status: 'running' | 'paused' = 'running';
  processing = { size: 0 };
  holds = { size: 0 };
  occupancy = 0;
  nbytes = 0;
  heartbeat: Heartbeat | null = null;

  constructor({ address, name, nthreads, memoryLimit, pid, services }: WorkerFacts) {
    this.address = address;
    this.name = name;
    this.nthreads = nthreads;
    this.memoryLimit = memoryLimit;
    this.pid = pid;
    this.services = services;
  }

  take({ status, processing, holds, occupancy, nbytes, heartbeat }: WorkerLoad): void {
    this.status = status;
    this.processing = { size: processing };
    this.holds = { size: holds };
    this.occupancy = occupancy;
    this.nbytes = nbytes;
    if (heartbeat !== undefined) this.heartbeat = heartbeat;
  }
}

function errorOf({ code, detail }: Failure): TaskglassError {
  return new TaskglassError(code, detail);
}
