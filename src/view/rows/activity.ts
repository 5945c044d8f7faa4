import { parsePath } from '../address.ts';
import { ask } from '../ask.ts';
import type { TrackActivity } from './row-model.ts';

/** What the server says of all tracks in a range: busy seconds in it, and when each ended something last; by track. */
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

/** A view rests this long, ms, before its rows are sorted anew: rows that jump about under a moving hand help nobody. */
const REST = 350;
/** While time goes on, what was read counts for so long, ms. */
const FRESH = 5_000;
/** A view that moved by less than this part of its width needs nothing new. */
const MOVED = 0.02;

/** Reads what tracks did in view, when the view has come to rest. */
export class ActivityReader {
  readonly #changed: (activity: Activity | null) => void;
  #asked: { since: number; until: number; at: number } | null = null;
  #wanted: { since: number; until: number } | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #reading: AbortController | null = null;

  constructor(changed: (activity: Activity | null) => void) {
    this.#changed = changed;
  }

  /** `needed`: some order of rows goes by it. Times are epoch seconds. Cheap; called every frame. */
  plan(needed: boolean, since: number, until: number, now: number): void {
    if (!needed) {
      if (this.#asked !== null) this.#changed(null);
      this.#asked = null;
      this.#stop();
      return;
    }
    const asked = this.#asked;
    const by = (until - since) * MOVED;
    const near = (a: { since: number; until: number } | null): boolean =>
      a !== null && Math.abs(a.since - since) <= by && Math.abs(a.until - until) <= by;
    if (asked !== null && near(asked) && now - asked.at < FRESH) return;
    if (this.#timer !== null && near(this.#wanted)) return;
    this.#wanted = { since, until };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(since, until), asked === null ? 0 : REST);
  }

  dispose(): void {
    this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#reading?.abort();
  }

  async #read(since: number, until: number): Promise<void> {
    this.#timer = null;
    this.#asked = { since, until, at: performance.now() };
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const url = new URL(`${parsePath(location.pathname).base}api/v1/tracks`, location.href);
    url.searchParams.set('since', String(Math.max(0, Math.round(since * 1e6) / 1e6)));
    url.searchParams.set('until', String(Math.max(0, Math.round(until * 1e6) / 1e6)));
    try {
      const response = await ask(url, { signal: reading.signal });
      if (response.ok) this.#changed(new Activity((await response.json()) as TracksAnswer));
    } catch {
      // Given up for a newer one, or the server is gone: the banner says so, and rows stay as they are.
    }
  }
}
