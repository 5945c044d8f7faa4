import type { TrackActivity } from './row-model.ts';

/** What the server says of all tracks in a range: busy seconds, and when each last ended something in it; by track. */
export interface TracksAnswer {
  readonly busy: readonly number[];
  readonly last: readonly (number | null)[];
}

/** What tracks did in a range of time: for orders by it, and for rows whose workers are gone. */
export class Activity implements TrackActivity {
  readonly #answer: TracksAnswer;

  constructor(answer: TracksAnswer) {
    this.#answer = answer;
  }

  busy(track: number): number {
    return this.#answer.busy[track] ?? 0;
  }

  last(track: number): number {
    return this.#answer.last[track] ?? Number.NEGATIVE_INFINITY;
  }

  /** Whether it did anything at all in the range. */
  has(track: number): boolean {
    return this.busy(track) > 0;
  }
}
