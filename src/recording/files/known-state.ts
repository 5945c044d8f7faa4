import type {
  ClusterEvent,
  FunctionCounts,
  LinkEvent,
  RunningTask,
  SourceEvent,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import type { Seconds, StringIndex } from '../../model/units.ts';

interface Counts {
  readonly states: Uint32Array;
  readonly forgotten: number;
  readonly nbytes: number;
}

/**
 * What all events so far amount to, without the finished tasks: written at the head of every file, so that a file can be read when
 * those before it are gone.
 */
export class KnownState {
  cluster: ClusterEvent | null = null;
  link: LinkEvent | null = null;
  /** Of the last tick. */
  time: Seconds = 0;
  readonly #functions = new Map<StringIndex, Counts>();
  readonly #workers = new Map<StringIndex, WorkerInfo>();
  readonly #samples = new Map<StringIndex, WorkerSample>();
  readonly #running = new Map<string, RunningTask>();
  #totals: TickEvent['totals'];
  #cost: TickEvent['cost'];

  accept(event: SourceEvent): void {
    switch (event.kind) {
      case 'cluster':
        if (event.id !== this.cluster?.id) this.#clear();
        this.cluster = event;
        break;
      case 'link':
        this.link = event;
        break;
      case 'tick':
        this.#tick(event);
        break;
      case 'gap':
        break;
    }
  }

  /** The same, in as few events as there can be. Empty before a cluster was reached. */
  events(): SourceEvent[] {
    if (this.cluster === null) return [];
    const workers = this.#workersChange();
    const tick: TickEvent = {
      kind: 'tick',
      time: this.time,
      running: { reset: true, started: [...this.#running.values()], ended: [] },
      ...(this.#functions.size > 0 && { functions: this.#counts() }),
      ...(workers && { workers }),
      ...(this.#totals && { totals: this.#totals }),
      ...(this.#cost && { cost: this.#cost }),
    };
    return [this.cluster, ...(this.link === null ? [] : [this.link]), ...(this.time > 0 ? [tick] : [])];
  }

  /** Functions in the order in which they are coloured. */
  functions(): IterableIterator<StringIndex> {
    return this.#functions.keys();
  }

  /** How many tasks of a function were forgotten by now. */
  forgotten(fn: StringIndex): number {
    return this.#functions.get(fn)?.forgotten ?? 0;
  }

  workers(): IterableIterator<StringIndex> {
    return this.#workers.keys();
  }

  #clear(): void {
    this.#functions.clear();
    this.#workers.clear();
    this.#samples.clear();
    this.#running.clear();
    this.#totals = undefined;
    this.#cost = undefined;
  }

  #tick({ time, finished, running, functions, workers, totals, cost }: TickEvent): void {
    this.time = time;
    if (finished !== undefined && !finished.past && this.#running.size > 0) {
      for (const key of finished.keys) this.#running.delete(key);
    }
    if (running?.reset) this.#running.clear();
    for (const key of running?.ended ?? []) this.#running.delete(key);
    for (const task of running?.started ?? []) this.#running.set(task.key, task);
    for (const worker of workers?.removed ?? []) this.#removeWorker(worker);
    for (const info of workers?.added ?? []) this.#workers.set(info.worker, info);
    for (const sample of workers?.samples ?? []) {
      if (this.#workers.has(sample.worker)) {
        this.#samples.set(sample.worker, { ...this.#samples.get(sample.worker), ...sample });
      }
    }
    functions?.fn.forEach((fn, i) => {
      this.#functions.set(fn, {
        states: functions.states.slice(i * STATE_COUNT, (i + 1) * STATE_COUNT),
        forgotten: functions.forgotten[i]!,
        nbytes: functions.nbytes[i]!,
      });
    });
    if (totals !== undefined) this.#totals = totals;
    if (cost !== undefined) this.#cost = cost;
  }

  #removeWorker(worker: StringIndex): void {
    this.#workers.delete(worker);
    this.#samples.delete(worker);
    for (const [key, task] of this.#running) if (task.worker === worker) this.#running.delete(key);
  }

  #workersChange(): TickEvent['workers'] {
    if (this.#workers.size === 0) return undefined;
    return { added: [...this.#workers.values()], samples: [...this.#samples.values()] };
  }

  #counts(): FunctionCounts {
    const rows = [...this.#functions];
    const states = new Uint32Array(rows.length * STATE_COUNT);
    rows.forEach(([, counts], i) => {
      states.set(counts.states, i * STATE_COUNT);
    });
    return {
      fn: Uint32Array.from(rows, ([fn]) => fn),
      states,
      forgotten: Float64Array.from(rows, ([, counts]) => counts.forgotten),
      nbytes: Float64Array.from(rows, ([, counts]) => counts.nbytes),
    };
  }
}
