import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { FinishedTask } from '../../model/finished-task.ts';
import { monotonic, toEpoch } from '../clock.ts';
import type { ErredMessage, FinishedMessage } from '../protocol.ts';
import type { Task, WorkerState } from '../scheduling/task.ts';
import type { ClusterObserver, SchedulerTotals } from './observer.ts';

/** Those who watch a cluster. Costs nothing but an empty loop while there are none. */
export class Observers {
  readonly #observers = new Set<ClusterObserver>();

  get size(): number {
    return this.#observers.size;
  }

  add(observer: ClusterObserver): void {
    this.#observers.add(observer);
  }

  delete(observer: ClusterObserver): void {
    this.#observers.delete(observer);
  }

  /** An observer that throws is taken off: watching must not break what is watched. */
  each(tell: (observer: ClusterObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        tell(observer);
      } catch (error) {
        this.#observers.delete(observer);
        process.emitWarning(`a cluster observer threw and was removed: ${String((error as Error)?.stack ?? error)}`);
      }
    }
  }
}

/** Of so many of a task's dependencies is told which records they are. */
const MOST_LINKS = 64;

/** The record of an execution that has its number already, with its times on the cluster's clock. */
export function finishedTask(task: Task, worker: WorkerState, message: FinishedMessage | ErredMessage): FinishedTask {
  const ok = message.op === 'finished';
  const back: number[] = [];
  for (const input of task.dependencies) {
    // One that is run again may be another than the one whose result this run took.
    if (input.record > 0 && input.state === 'memory' && back.length < MOST_LINKS) back.push(task.record - input.record);
  }
  return {
    key: task.key,
    prefix: task.prefix.name,
    group: task.prefix.name,
    worker: worker.address,
    thread: message.thread,
    type: ok ? message.type : '',
    status: ok ? 'memory' : 'erred',
    nbytes: ok ? message.nbytes : 0,
    startstops: message.startstops.map(({ action, start, stop, source }) => ({
      action,
      start: toEpoch(start),
      stop: toEpoch(stop),
      ...(source === undefined ? {} : { source }),
    })),
    ...(task.readySince === 0 ? {} : { ready: toEpoch(task.readySince) }),
    dependencies: { total: task.dependencies.size, back },
    ...(ok
      ? {}
      : { error: { exception: `${message.error.name}: ${message.error.message}`, traceback: message.error.stack } }),
  };
}

/** Each look at the clock wakes the process: at 10 ms that alone was a third of a percent of a core. */
const LOOP_RESOLUTION_MS = 50;

/** Readings of the scheduler's own process, since the previous reading. */
export class SchedulerReadings {
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  #cpu = process.cpuUsage();
  #at = monotonic();

  constructor() {
    this.#loop.enable();
  }

  take(): Pick<SchedulerTotals, 'cpu' | 'memory' | 'loopLag'> {
    const now = monotonic();
    const used = process.cpuUsage(this.#cpu);
    const seconds = Math.max(now - this.#at, 1e-3);
    const lag = Math.max(this.#loop.mean / 1e9 - LOOP_RESOLUTION_MS / 1000, 0);
    this.#loop.reset();
    this.#cpu = process.cpuUsage();
    this.#at = now;
    return {
      cpu: ((used.user + used.system) / 1e6 / seconds) * 100,
      memory: process.memoryUsage.rss(),
      loopLag: Number.isNaN(lag) ? 0 : lag,
    };
  }

  stop(): void {
    this.#loop.disable();
  }
}
