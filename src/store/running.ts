import type { Micros, StringIndex } from '../model/units.ts';
import type { StateReader, StateWriter } from './paging/state.ts';

export interface Running {
  readonly key: string;
  readonly fn: StringIndex;
  readonly worker: StringIndex;
  readonly start: Micros;
  readonly track: number;
}

/** The tasks that run now, by key and by track. */
export class RunningTasks {
  readonly #byKey = new Map<string, Running>();
  readonly #byTrack = new Map<number, Running>();
  /** Version of the store at which a track's running task changed last, by track. */
  readonly stamps: number[] = [];

  get size(): number {
    return this.#byKey.size;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  values(): IterableIterator<Running> {
    return this.#byKey.values();
  }

  onTrack(track: number): Running | undefined {
    return this.#byTrack.get(track);
  }

  save(into: StateWriter): void {
    const tasks = [...this.#byKey.values()];
    // Of two that were drawn on one row, the later one is.
    const drawn = tasks.map((task) => this.#byTrack.get(task.track) === task);
    into.text(() => [tasks.filter((_, i) => !drawn[i]), tasks.filter((_, i) => drawn[i])]);
  }

  load(from: StateReader, stamp: number): void {
    for (const task of from.text<Running[][]>().flat()) this.begin(task, stamp);
  }

  begin(task: Running, stamp: number): void {
    this.end(task.key, stamp);
    this.#byKey.set(task.key, task);
    this.#byTrack.set(task.track, task);
    this.stamps[task.track] = stamp;
  }

  /** Draws a task on another row, which must be free. */
  move(task: Running, track: number, stamp: number): void {
    const moved = { ...task, track };
    this.#byKey.set(task.key, moved);
    this.#byTrack.delete(task.track);
    this.#byTrack.set(track, moved);
    this.stamps[task.track] = this.stamps[track] = stamp;
  }

  end(key: string, stamp: number): Running | undefined {
    // A key is hashed for this: not for nothing.
    if (this.#byKey.size === 0) return undefined;
    const task = this.#byKey.get(key);
    if (task === undefined) return undefined;
    this.#byKey.delete(key);
    if (this.#byTrack.get(task.track) === task) {
      this.#byTrack.delete(task.track);
      this.stamps[task.track] = stamp;
    }
    return task;
  }

  /** Ends all of them, or those of one worker, and returns them. */
  endAll(stamp: number, worker?: StringIndex): Running[] {
    const ended = [...this.#byKey.values()].filter((task) => worker === undefined || task.worker === worker);
    for (const task of ended) this.end(task.key, stamp);
    return ended;
  }

  /** The earliest start among them, or null when nothing runs. */
  earliest(): Micros | null {
    let start: Micros | null = null;
    for (const task of this.#byKey.values()) if (start === null || task.start < start) start = task.start;
    return start;
  }
}
