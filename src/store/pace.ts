import type { Duration, Seconds } from '../model/units.ts';
import type { StateReader, StateWriter } from './paging/state.ts';

/** Finished tasks per second are averaged over this long. */
const OVER: Duration = 3;

/** How fast a count grows: its mean growth per second over the last seconds. */
export class Pace {
  /** Each time at which the count had changed. Only the last one may be older than {@link OVER}, and is where a mean begins. */
  readonly #seen: { readonly time: Seconds; readonly count: number }[] = [];

  /** What it goes by, for one that goes on from here. */
  get readings(): readonly { readonly time: Seconds; readonly count: number }[] {
    return this.#seen;
  }

  save(into: StateWriter): void {
    const seen = [...this.#seen];
    into.text(() => seen);
  }

  load(from: StateReader): void {
    this.#seen.push(...from.text<{ readonly time: Seconds; readonly count: number }[]>());
  }

  /** Readings that are held: bounded by the ticks of the last seconds, whether or not anybody asks for the pace. */
  get length(): number {
    return this.#seen.length;
  }

  saw(time: Seconds, count: number): void {
    const last = this.#seen.at(-1);
    // The clock of another scheduler may lie behind.
    if (last !== undefined && time < last.time) this.#seen.length = 0;
    if (this.#seen.length === 0 || last?.count !== count || time - last.time > OVER) this.#seen.push({ time, count });
    this.#forget(time);
  }

  /** Asking forgets nothing: whoever plays a history back asks for earlier times, too. */
  at(now: Seconds, count: number): number {
    const first = this.#seen[this.#oldAt(now)];
    return first === undefined ? 0 : (count - first.count) / Math.max(OVER, now - first.time);
  }

  #forget(now: Seconds): void {
    const old = this.#oldAt(now);
    if (old > 0) this.#seen.splice(0, old);
  }

  /** Readings before the one where a mean begins. */
  #oldAt(now: Seconds): number {
    let old = 0;
    while (old + 1 < this.#seen.length && now - this.#seen[old + 1]!.time >= OVER) old++;
    return old;
  }
}
