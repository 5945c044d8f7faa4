import type { Duration } from '../../model/units.ts';
import type { Task, WorkerState } from './task.ts';

/** What moving results costs: measured as transfers happen. */
export class Bandwidth {
  /** Bytes per second. Dask's guess at the start. */
  #value = 100e6;

  /** Small transfers say nothing about bandwidth. */
  observe(nbytes: number, duration: Duration): void {
    if (nbytes < 1e6 || duration <= 0) return;
    this.#value = this.#value * 0.8 + (nbytes / duration) * 0.2;
  }

  get value(): number {
    return this.#value;
  }
}

/** Per transfer, whatever its size. */
const LATENCY_S = 0.001;

/**
 * The worker where a ready task is expected to start soonest: the time until a thread is free (occupancy by threads)
 * plus the time to bring its inputs there. Candidates are the workers that take new tasks and, however busy, the
 * ones that hold an input: waiting for a large input's holder can be cheaper than moving it.
 *
 * @returns null when every worker is saturated: the task is to be queued
 */
export function choosePlace(task: Task, workers: Iterable<WorkerState>, bandwidth: Bandwidth): WorkerState | null {
  const candidates = new Set<WorkerState>();
  let anyOpen = false;
  for (const worker of workers) {
    if (worker.open) {
      anyOpen = true;
      candidates.add(worker);
    }
  }
  if (!anyOpen) return null;
  for (const input of task.dependencies) {
    for (const holder of input.holders) if (holder.status === 'running') candidates.add(holder);
  }
  return cheapest(task, candidates, bandwidth);
}

/** As {@link choosePlace}, for a task that may only run on these workers: never queued. */
export function cheapest(task: Task, candidates: Iterable<WorkerState>, bandwidth: Bandwidth): WorkerState | null {
  let best: WorkerState | null = null;
  let bestStart = Number.POSITIVE_INFINITY;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const worker of candidates) {
    const start = waitingTime(worker) + transferTime(task, worker, bandwidth);
    const load = worker.processing.size / worker.nthreads + worker.nbytes * 1e-12;
    if (start < bestStart || (start === bestStart && load < bestLoad)) {
      best = worker;
      bestStart = start;
      bestLoad = load;
    }
  }
  return best;
}

/** A worker with a free thread starts at once; otherwise its work is shared by its threads. */
function waitingTime(worker: WorkerState): Duration {
  return worker.processing.size < worker.nthreads ? 0 : worker.occupancy / worker.nthreads;
}

function transferTime(task: Task, worker: WorkerState, bandwidth: Bandwidth): Duration {
  let time = 0;
  for (const input of task.dependencies) {
    if (!input.holders.has(worker)) time += LATENCY_S + input.nbytes / bandwidth.value;
  }
  return time;
}
