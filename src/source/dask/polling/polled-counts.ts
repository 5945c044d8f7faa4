import type { FinishedTask } from '../../../model/finished-task.ts';
import type { FunctionCounts, SourceSink } from '../../../model/source-event.ts';
import { SCHEDULER_STATES, STATE_COUNT, STATE_INDEX } from '../../../model/task-state.ts';
import type { DaskValue } from '../comm/message.ts';
import { isRecord } from '../comm/msgpack.ts';

/** Keys whose completion was counted are remembered, so that a task that runs twice counts once. */
const MAX_KEYS = 100_000;

interface Counted {
  /** In SCHEDULER_STATES order. */
  states: Uint32Array;
  /** Completed before we came and not forgotten then, and since. */
  completed: number;
  forgotten: number;
  nbytes: number;
  /** Mean size of a result. */
  size: number;
  sizes: number;
}

/**
 * Counts per function from `get_task_prefix_states`, which knows neither queued tasks nor those without a worker. What else the page
 * needs is worked out: forgotten tasks are those that completed and are in no state now, bytes in memory are the tasks in
 * memory times the mean size of the function's results.
 */
export class PolledCounts {
  readonly #functions = new Map<string, Counted>();
  #keys = new Set<string>();
  #begun = false;

  get tasks(): number {
    let sum = 0;
    for (const { states } of this.#functions.values()) for (const n of states) sum += n;
    return sum;
  }

  /** How large results are, of tasks that may have finished before our time. */
  measure(tasks: readonly FinishedTask[]): void {
    for (const { prefix, status, nbytes } of tasks) {
      const counted = this.#of(prefix);
      if (status === 'memory') counted.size += (nbytes - counted.size) / ++counted.sizes;
    }
  }

  /** Tasks that completed before the counts that are read next. */
  completed(tasks: readonly FinishedTask[]): void {
    this.measure(tasks);
    for (const { key, prefix } of tasks) {
      const counted = this.#of(prefix);
      if (this.#keys.has(key)) continue;
      if (this.#keys.size >= MAX_KEYS) this.#keys = new Set([...this.#keys].slice(MAX_KEYS / 2));
      this.#keys.add(key);
      counted.completed++;
    }
  }

  /** Sizes of what was there before us: a reply of `nbytes`, which counts released tasks too. */
  sizes(reply: DaskValue): void {
    if (!isRecord(reply)) return;
    for (const [name, nbytes] of Object.entries(reply)) {
      const counted = this.#functions.get(name);
      const held = counted === undefined ? 0 : kept(counted);
      if (counted === undefined || held === 0 || typeof nbytes !== 'number' || counted.sizes > 0) continue;
      counted.size = nbytes / held;
      counted.sizes = held;
    }
  }

  /** Interns the functions in the order of the scheduler. Undefined when nothing changed. */
  read(reply: DaskValue, sink: SourceSink): FunctionCounts | undefined {
    if (!isRecord(reply)) return undefined;
    const changed: [name: string, counted: Counted][] = [];
    for (const [name, row] of Object.entries(reply)) {
      sink.intern('function', name);
      this.#of(name);
      if (!isRecord(row)) continue;
      this.#update(name, row, changed);
    }
    for (const [name, { states }] of this.#functions) {
      if (!Object.hasOwn(reply, name) && (states.some((n) => n > 0) || !this.#begun)) this.#update(name, {}, changed);
    }
    this.#begun = true;
    if (changed.length === 0) return undefined;
    const counts = changed.map(([, counted]) => counted);
    const states = new Uint32Array(changed.length * STATE_COUNT);
    for (const [i, counted] of counts.entries()) states.set(counted.states, i * STATE_COUNT);
    return {
      fn: Uint32Array.from(changed, ([name]) => sink.intern('function', name)),
      states,
      forgotten: Float64Array.from(counts, ({ forgotten }) => forgotten),
      nbytes: Float64Array.from(counts, ({ nbytes }) => nbytes),
    };
  }

  #update(name: string, row: { readonly [state: string]: DaskValue }, changed: [string, Counted][]): void {
    const counted = this.#of(name);
    const states = Uint32Array.from(SCHEDULER_STATES, (state) => {
      const n = row[state];
      return typeof n === 'number' && n > 0 ? n : 0;
    });
    const before = { ...counted };
    counted.states = states;
    if (!this.#begun) counted.completed = kept(counted);
    // The counts are newer than the records, so this may lag behind for a moment and never runs ahead.
    counted.forgotten = Math.max(counted.forgotten, counted.completed - kept(counted));
    counted.nbytes = states[STATE_INDEX.memory]! * counted.size;
    const same = before.forgotten === counted.forgotten && before.nbytes === counted.nbytes;
    if (!same || states.some((n, i) => n !== before.states[i])) changed.push([name, counted]);
  }

  #of(name: string): Counted {
    let counted = this.#functions.get(name);
    if (counted === undefined) {
      counted = { states: new Uint32Array(STATE_COUNT), completed: 0, forgotten: 0, nbytes: 0, size: 0, sizes: 0 };
      this.#functions.set(name, counted);
    }
    return counted;
  }
}

/** Tasks that are done and not forgotten. */
function kept({ states }: Counted): number {
  return states[STATE_INDEX.memory]! + states[STATE_INDEX.released]! + states[STATE_INDEX.erred]!;
}
