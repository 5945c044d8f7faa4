import { randomBytes, randomUUID } from 'node:crypto';
import { TaskglassError } from '../base/errors.ts';
import type { Seconds } from '../model/units.ts';
import { clockOffset, epochNow, monotonic, toEpoch } from './clock.ts';
import type { DashboardSettings } from './dashboard/options.ts';
import type { PagesProcess } from './dashboard/pages-process.ts';
import { SchedulerDebug } from './debug/cluster-debug.ts';
import { SchedulerRecord } from './debug/scheduler-record.ts';
import type { ClusterObserver, Heartbeat, SchedulerTotals } from './observing/observer.ts';
import { finishedTask, Observers, SchedulerReadings } from './observing/observers.ts';
import type { ClusterSettings } from './options.ts';
import type {
  ErredMessage,
  FinishedMessage,
  FromWorker,
  ReadyMessage,
  ToWorker,
  WorkerDebugSettings,
  WorkerSettings,
} from './protocol.ts';
import { ResultFetcher } from './result-fetcher.ts';
import { Scheduler } from './scheduling/scheduler.ts';
import { type Task, WorkerState } from './scheduling/task.ts';
import { WorkerProcess } from './worker-process.ts';

const HEARTBEAT_MS = 500;
/** Between a worker's end and its next start; doubled each time it ends before it was ready. */
const RESTART_MS = 50;
const LONGEST_RESTART_MS = 10_000;

let clusters = 0;

/**
 * A cluster without its public face: the scheduler, the worker processes, those who watch. Clients and the cluster
 * object share it.
 */
export class ClusterCore {
  readonly id = `Scheduler-${randomUUID()}`;
  readonly address = `inproc://127.0.0.1/${process.pid}/${++clusters}`;
  readonly started: Seconds = epochNow();
  readonly services: Record<string, number> = {};
  readonly settings: ClusterSettings;
  readonly scheduler: Scheduler;
  readonly observers = new Observers();
  readonly heartbeats = new Map<WorkerState, Heartbeat>();
  readonly clients = new Set<{ readonly opened: Seconds; readonly held: number }>();
  /** The debug pages of all processes, and the process of the main pages; null where there is no web interface. */
  readonly debug: SchedulerDebug | null;
  pages: PagesProcess | null = null;
  /** Names of the global scope of a worker's threads. */
  globals: ReadonlySet<string> = new Set();
  closed = false;
  readonly #secret = randomBytes(32).toString('hex');
  readonly #fetcher = new ResultFetcher(this.#secret);
  readonly #processes = new Map<string, WorkerProcess>();
  readonly #byState = new Map<WorkerState, WorkerProcess>();
  readonly #changes = new Map<Task, { readonly promise: Promise<void>; readonly resolve: () => void }>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #record: SchedulerRecord | null;
  #readings: SchedulerReadings | null = null;
  /** Tasks that finished, seen by somebody or not. */
  #records = 0;

  constructor(settings: ClusterSettings) {
    this.settings = settings;
    const record = settings.dashboard === null ? null : new SchedulerRecord();
    this.#record = record;
    this.scheduler = new Scheduler({
      now: monotonic,
      send: (worker, operation) => this.#byState.get(worker)?.send(operation),
      settled: (task) => this.wake(task),
      counted: (prefix) => this.observers.each((observer) => observer.counted?.(prefix)),
      ended: (task) => this.observers.each((observer) => observer.ended?.(task.key)),
      running: (task, worker) => this.observers.each((observer) => observer.running?.(runningInfo(task, worker))),
      ...(record === null ? {} : { moved: (task, from, to) => record.moved(task.key, from, to) }),
      finished: (task, worker, message) => {
        if (record !== null) recordTransfers(record, worker, message);
        task.record = ++this.#records;
        if (this.observers.size === 0) return;
        const finished = finishedTask(task, worker, message);
        this.observers.each((observer) => observer.finished?.(finished));
      },
    });
    this.debug = record === null ? null : new SchedulerDebug(this, record);
  }

  /** Starts all workers. @throws WORKER_START_FAILED, with nothing left running */
  async start(): Promise<void> {
    if (this.settings.dashboard !== null) await this.debug?.serve(this.settings.dashboard);
    const names = Array.from({ length: this.settings.workers }, (_, i) => String(i));
    const starts = await Promise.allSettled(names.map((name) => this.#startWorker(name)));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) {
      await this.close();
      throw failed.reason;
    }
  }

  /** @throws CLUSTER_CLOSED */
  assertOpen(): void {
    if (this.closed) throw new TaskglassError('CLUSTER_CLOSED', this.address);
  }

  /** Resolves when the task settles, its future is released, or the cluster closes. */
  changed(task: Task): Promise<void> {
    let change = this.#changes.get(task);
    if (change === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      change = { promise, resolve };
      this.#changes.set(task, change);
    }
    return change.promise;
  }

  wake(task: Task): void {
    this.#changes.get(task)?.resolve();
    this.#changes.delete(task);
  }

  /** The serialised result of a task in memory; null when it could not be had this time. */
  async fetch(task: Task): Promise<Uint8Array | null> {
    const holders = [...task.holders];
    const holder = holders[Math.floor(Math.random() * holders.length)];
    if (holder === undefined) return null;
    try {
      return await this.#fetcher.fetch(holder.address, task.key, task.attempt);
    } catch {
      return null;
    }
  }

  observe(observer: ClusterObserver): void {
    this.#readings ??= new SchedulerReadings();
    this.observers.add(observer);
    for (const worker of this.scheduler.workers) {
      observer.workerAdded?.(worker);
      const heartbeat = this.heartbeats.get(worker);
      if (heartbeat !== undefined) observer.heartbeat?.(worker, heartbeat);
      for (const task of worker.processing) {
        if (task.runningSince > 0) observer.running?.(runningInfo(task, worker));
      }
    }
    for (const prefix of this.scheduler.prefixes.values()) observer.counted?.(prefix);
  }

  unobserve(observer: ClusterObserver): void {
    this.observers.delete(observer);
    if (this.observers.size > 0) return;
    this.#readings?.stop();
    this.#readings = null;
  }

  totals(): SchedulerTotals {
    this.#readings ??= new SchedulerReadings();
    let idle = 0;
    let saturated = 0;
    let occupancy = 0;
    for (const worker of this.scheduler.workers) {
      if (worker.processing.size === 0) idle++;
      else if (!worker.open) saturated++;
      occupancy += worker.occupancy;
    }
    return { clients: this.clients.size, idle, saturated, occupancy, ...this.#readings.take() };
  }

  /** Tells a worker something. */
  send(worker: WorkerState, operation: ToWorker): void {
    this.#byState.get(worker)?.send(operation);
  }

  /** What went over the channels to the worker processes. */
  traffic(): readonly ({ readonly name: string; readonly pid: number } & WorkerProcess['traffic'])[] {
    return [...this.#processes].map(([name, { pid, traffic }]) => ({ name, pid, ...traffic }));
  }

  /** Something for people to read. */
  note(topic: string, text: string): void {
    if (this.observers.size === 0 && this.#record === null) return;
    const entry = { time: epochNow(), topic, text };
    this.#record?.log.push(entry);
    this.observers.each((observer) => observer.log?.(entry));
  }

  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.debug?.close();
      for (const timer of this.#restarts) clearTimeout(timer);
      for (const task of [...this.#changes.keys()]) this.wake(task);
      this.#fetcher.close();
      this.#readings?.stop();
      this.observers.each((observer) => observer.closed?.());
    }
    const processes: { close(): Promise<void> }[] = [...this.#processes.values()];
    if (this.pages !== null) processes.push(this.pages);
    await Promise.all(processes.map((process) => process.close()));
  }

  async #startWorker(name: string): Promise<void> {
    const { threadsPerWorker: threads, memoryLimit, execArgv, dashboard } = this.settings;
    const settings: WorkerSettings = {
      name,
      threads,
      memoryLimit,
      secret: this.#secret,
      heartbeatMs: HEARTBEAT_MS,
      clockOffset: clockOffset(),
      debug: dashboard === null ? null : workerDebug(dashboard),
    };
    let state: WorkerState | null = null;
    const process = new WorkerProcess(settings, execArgv, {
      messages: (messages) => {
        if (state !== null) this.#handle(state, messages);
      },
      died: (reason) => {
        if (state !== null) this.#lost(state, reason);
      },
    });
    this.#processes.set(name, process);
    const ready: ReadyMessage = await process.ready();
    if (this.closed) return;
    this.globals = new Set(ready.globals);
    state = new WorkerState(ready.address, name, threads, memoryLimit, ready.pid, ready.services);
    this.#byState.set(state, process);
    const added = state;
    this.observers.each((observer) => observer.workerAdded?.(added));
    this.note('worker', `worker ${name} started at ${ready.address}`);
    this.scheduler.addWorker(state);
  }

  #lost(worker: WorkerState, reason: string): void {
    this.#byState.delete(worker);
    this.heartbeats.delete(worker);
    this.#fetcher.forget(worker.address);
    if (this.closed) return;
    this.note('worker', `worker ${worker.name} at ${worker.address} died (${reason}); it is started again`);
    this.observers.each((observer) => observer.workerRemoved?.(worker));
    this.scheduler.removeWorker(worker, reason);
    this.#restart(worker.name, RESTART_MS);
  }

  #restart(name: string, delay: number): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#startWorker(name).catch((error: Error) => {
        if (this.closed) return;
        this.note('worker', `worker ${name}: ${error.message}`);
        this.#restart(name, Math.min(delay * 2, LONGEST_RESTART_MS));
      });
    }, delay);
    this.#restarts.add(timer);
  }

  #handle(worker: WorkerState, messages: readonly FromWorker[]): void {
    if (this.closed) return;
    for (const message of messages) {
      switch (message.op) {
        case 'finished':
          this.scheduler.finished(worker, message);
          break;
        case 'erred':
          this.scheduler.erred(worker, message);
          break;
        case 'fetched':
          this.scheduler.fetched(worker, message);
          break;
        case 'missing':
          this.scheduler.missing(worker, message);
          break;
        case 'running':
          this.scheduler.started(worker, message);
          break;
        case 'status':
          this.scheduler.setStatus(worker, message.status);
          this.note('worker', `worker ${worker.name} is ${message.status}`);
          break;
        case 'heartbeat': {
          this.#byState.get(worker)?.send({ op: 'heartbeat-ack', sent: message.sent });
          const heartbeat: Heartbeat = { time: epochNow(), readings: message.readings };
          this.heartbeats.set(worker, heartbeat);
          this.observers.each((observer) => observer.heartbeat?.(worker, heartbeat));
          break;
        }
        case 'debug':
          this.debug?.answered(message);
          break;
        case 'ready':
          break;
      }
    }
    this.observers.each((observer) => observer.workerChanged?.(worker));
  }
}

function workerDebug({ host, workerDebugPort, token, allowHosts }: DashboardSettings): WorkerDebugSettings {
  return { host, port: workerDebugPort, token, allowHosts };
}

function recordTransfers(record: SchedulerRecord, worker: WorkerState, message: FinishedMessage | ErredMessage): void {
  for (const { source, nbytes, start, stop } of message.startstops) {
    if (source !== undefined) record.transferred(source, worker.address, nbytes ?? 0, stop - start);
  }
}

function runningInfo(task: Task, worker: WorkerState) {
  return { key: task.key, prefix: task.prefix.name, worker: worker.address, start: toEpoch(task.runningSince) };
}
