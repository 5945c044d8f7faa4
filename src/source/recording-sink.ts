import type {
  ClusterEvent,
  GapEvent,
  LinkEvent,
  RunningTask,
  SourceEvent,
  SourceSink,
  StringTableName,
  TaskError,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../model/source-event.ts';
import { STRING_TABLES } from '../model/source-event.ts';
import {
  ACTIONS,
  type Action,
  RECORD_STATUSES,
  type RecordStatus,
  SCHEDULER_STATES,
  type SchedulerState,
  STATE_COUNT,
} from '../model/task-state.ts';

/** One finished record, as objects: for tests and small tools, never for the pages. */
export interface RecordedTask {
  readonly key: string;
  readonly fn: string;
  readonly group: string;
  readonly worker: string;
  readonly thread: number;
  readonly type: string;
  readonly status: RecordStatus;
  readonly nbytes: number;
  readonly startstops: readonly RecordedStartstop[];
  readonly error: TaskError | undefined;
  readonly past: boolean;
  /** NaN where it is not known. */
  readonly ready: number;
  readonly needs: number;
  /** Those that are known. */
  readonly dependencies: readonly RecordedTask[];
}

export interface RecordedStartstop {
  readonly action: Action;
  readonly start: number;
  readonly stop: number;
  /** The address of the worker a transfer came from, or empty. */
  readonly origin: string;
}

export type RecordedCounts = Record<SchedulerState, number> & { forgotten: number; nbytes: number };

interface Waiter {
  check(): void;
}

/**
 * A sink that keeps everything as plain objects and can be waited on. The conformance suite looks at sources
 * through it.
 */
export class RecordingSink implements SourceSink {
  readonly tables: Record<StringTableName, string[]> = { function: [''], group: [''], worker: [''], type: [''] };
  readonly clusters: ClusterEvent[] = [];
  readonly links: LinkEvent[] = [];
  readonly gaps: GapEvent[] = [];
  readonly kinds: SourceEvent['kind'][] = [];
  readonly tasks: RecordedTask[] = [];
  /** Those of them that finished while the source was attached. */
  readonly #told: RecordedTask[] = [];
  /** What runs now, by key. */
  readonly running = new Map<string, RunningTask>();
  /** Every task that was ever reported as running, in order. */
  readonly started: RunningTask[] = [];
  readonly ended: string[] = [];
  /** Keys that ran on a worker when it was removed. */
  readonly lost: string[] = [];
  /** By address. */
  readonly workers = new Map<string, WorkerInfo>();
  readonly samples = new Map<string, WorkerSample>();
  readonly removed: string[] = [];
  readonly counts = new Map<string, RecordedCounts>();
  readonly log: string[] = [];
  ticks = 0;
  lastTick: TickEvent | undefined;
  totals: TickEvent['totals'];
  cost: TickEvent['cost'];
  readonly #indices = new Map<StringTableName, Map<string, number>>(
    STRING_TABLES.map((table) => [table, new Map([['', 0]])]),
  );
  readonly #waiters = new Set<Waiter>();

  intern(table: StringTableName, value: string): number {
    const indices = this.#indices.get(table)!;
    let index = indices.get(value);
    if (index === undefined) {
      index = this.tables[table].push(value) - 1;
      indices.set(value, index);
    }
    return index;
  }

  accept(event: SourceEvent): void {
    this.kinds.push(event.kind);
    switch (event.kind) {
      case 'cluster':
        if (event.id !== this.clusters.at(-1)?.id) this.#forgetCluster();
        this.clusters.push(event);
        break;
      case 'link':
        this.links.push(event);
        break;
      case 'gap':
        this.gaps.push(event);
        break;
      case 'tick':
        this.#tick(event);
        break;
    }
    for (const waiter of [...this.#waiters]) waiter.check();
  }

  /** Resolves once `condition` holds; rejects with `what` and a summary when it does not in time. */
  until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        settle();
      };
      const waiter: Waiter = {
        check: () => {
          try {
            if (condition()) finish(resolve);
          } catch (error) {
            finish(() => reject(error));
          }
        },
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`not within ${timeoutMs} ms: ${what}; ${this.summary()}`))),
        timeoutMs,
      );
      this.#waiters.add(waiter);
      waiter.check();
    });
  }

  /** Records of one function, not counting those from before the source attached. */
  of(fn: string): RecordedTask[] {
    return this.tasks.filter((task) => task.fn === fn && !task.past);
  }

  summary(): string {
    const counts = [...this.counts].map(([fn, c]) => {
      const states = [...SCHEDULER_STATES, 'forgotten' as const].filter((state) => c[state] > 0);
      return `${fn}{${states.map((state) => `${state}:${c[state]}`).join(' ')}}`;
    });
    return `ticks ${this.ticks}, records ${this.tasks.length}, workers ${this.workers.size}, running ${this.running.size}, link ${
      this.links.at(-1)?.state ?? '-'
    } ${this.links.at(-1)?.reason ?? ''}, counts ${counts.slice(0, 12).join(' ')}`;
  }

  #forgetCluster(): void {
    this.running.clear();
    this.workers.clear();
    this.samples.clear();
    this.counts.clear();
  }

  #tick(tick: TickEvent): void {
    this.ticks++;
    this.lastTick = tick;
    if (tick.totals) this.totals = tick.totals;
    if (tick.cost) this.cost = tick.cost;
    for (const entry of tick.log ?? []) this.log.push(`${entry.topic}: ${entry.text}`);
    if (tick.finished) this.#finished(tick.finished);
    for (const index of tick.workers?.removed ?? []) {
      const address = this.tables.worker[index]!;
      this.workers.delete(address);
      this.samples.delete(address);
      this.removed.push(address);
      for (const [key, task] of this.running) {
        if (task.worker !== index) continue;
        this.running.delete(key);
        this.lost.push(key);
      }
    }
    for (const info of tick.workers?.added ?? []) this.workers.set(info.address, info);
    for (const sample of tick.workers?.samples ?? []) {
      const address = this.tables.worker[sample.worker]!;
      this.samples.set(address, { ...this.samples.get(address), ...sample });
    }
    if (tick.running) {
      if (tick.running.reset) this.running.clear();
      for (const key of tick.running.ended) {
        this.running.delete(key);
        this.ended.push(key);
      }
      for (const task of tick.running.started) {
        this.running.set(task.key, task);
        this.started.push(task);
      }
    }
    const { functions } = tick;
    functions?.fn.forEach((fn, i) => {
      const counts = { forgotten: functions.forgotten[i]!, nbytes: functions.nbytes[i]! } as RecordedCounts;
      SCHEDULER_STATES.forEach((state, s) => {
        counts[state] = functions.states[i * STATE_COUNT + s]!;
      });
      this.counts.set(this.tables.function[fn]!, counts);
    });
  }

  #finished(columns: NonNullable<TickEvent['finished']>): void {
    let at = 0;
    let link = 0;
    for (let i = 0; i < columns.length; i++) {
      const startstops: RecordedStartstop[] = [];
      for (const end = at + columns.startstops[i]!; at < end; at++) {
        startstops.push({
          action: ACTIONS[columns.action[at]!]!,
          start: columns.start[at]!,
          stop: columns.stop[at]!,
          origin: this.tables.worker[columns.origin[at]!]!,
        });
      }
      const dependencies: RecordedTask[] = [];
      for (const end = link + columns.dependencies[i]!; link < end; link++) {
        const dependency = this.#told[this.#told.length - columns.back[link]!];
        if (dependency === undefined) throw new Error(`${columns.keys[i]} depends on a row that was not told`);
        dependencies.push(dependency);
      }
      const key = columns.keys[i]!;
      this.running.delete(key);
      const task: RecordedTask = {
        key,
        fn: this.tables.function[columns.fn[i]!]!,
        group: this.tables.group[columns.group[i]!]!,
        worker: this.tables.worker[columns.worker[i]!]!,
        thread: columns.thread[i]!,
        type: this.tables.type[columns.type[i]!]!,
        status: RECORD_STATUSES[columns.status[i]!]!,
        nbytes: columns.nbytes[i]!,
        startstops,
        error: columns.errors.get(i),
        past: columns.past,
        ready: columns.ready[i]!,
        needs: columns.needs[i]!,
        dependencies,
      };
      this.tasks.push(task);
      if (!columns.past) this.#told.push(task);
    }
  }
}
