import { performance } from 'node:perf_hooks';
import type { DebugTable } from '../../model/debug.ts';
import { epochNow } from '../clock.ts';

const CAPACITY = 10_000;
const SHOWN = 500;

/**
 * The last transitions, and how many of each kind there ever were. Columns that are written in place: one costs some tens of
 * nanoseconds and makes no garbage.
 */
export class TransitionLog {
  readonly #states: readonly string[];
  readonly #counts: Float64Array;
  readonly #keys: string[] = [];
  readonly #pairs = new Uint16Array(CAPACITY);
  /** Milliseconds of `performance.now()`: the cheapest clock there is. */
  readonly #times = new Float64Array(CAPACITY);
  total = 0;

  /** @param states their names; a transition names them by their place here */
  constructor(states: readonly string[]) {
    this.#states = states;
    this.#counts = new Float64Array(states.length * states.length);
  }

  add(key: string, from: number, to: number): void {
    const pair = from * this.#states.length + to;
    const at = this.total++ % CAPACITY;
    this.#counts[pair]!++;
    this.#keys[at] = key;
    this.#pairs[at] = pair;
    this.#times[at] = performance.now();
  }

  /** The newest ones, newest first. */
  recent(): DebugTable {
    const kept = Math.min(this.total, CAPACITY);
    const start = epochNow() - performance.now() / 1000;
    const rows = Array.from({ length: Math.min(kept, SHOWN) }, (_, i) => {
      const at = (this.total - 1 - i) % CAPACITY;
      return [start + this.#times[at]! / 1000, this.#keys[at]!, ...this.#names(this.#pairs[at]!)];
    });
    return {
      title: 'Newest transitions',
      columns: [
        { name: 'time', unit: 'time' },
        { name: 'key', unit: 'key' },
        { name: 'from', unit: 'text' },
        { name: 'to', unit: 'text' },
      ],
      rows,
      total: this.total,
    };
  }

  /** By kind, most frequent first; `rate` is that of the last `seconds` as far as the log goes back. */
  byKind(seconds: number): DebugTable {
    const now = performance.now();
    const since = now - seconds * 1000;
    const recent = new Float64Array(this.#counts.length);
    const kept = Math.min(this.total, CAPACITY);
    let oldest = since;
    for (let i = 0; i < kept; i++) {
      const at = (this.total - 1 - i) % CAPACITY;
      if (this.#times[at]! < since) break;
      recent[this.#pairs[at]!]!++;
      // The log is full of the last moments: the rate is theirs.
      if (i === CAPACITY - 1) oldest = this.#times[at]!;
    }
    const span = Math.max(now - oldest, 1) / 1000;
    const rows = [...this.#counts.entries()]
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([pair, count]) => [...this.#names(pair), count, recent[pair]! / span]);
    return {
      title: 'Transitions by kind',
      columns: [
        { name: 'from', unit: 'text' },
        { name: 'to', unit: 'text' },
        { name: 'all', unit: 'count' },
        { name: `per second, last ${seconds} s`, unit: 'rate' },
      ],
      rows,
      total: rows.length,
    };
  }

  #names(pair: number): [from: string, to: string] {
    const { length } = this.#states;
    return [this.#states[Math.floor(pair / length)]!, this.#states[pair % length]!];
  }
}
