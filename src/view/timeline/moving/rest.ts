import type { Viewport } from './viewport.ts';

/** A view that did not move for so long, ms, has come to rest. */
const REST = 150;

/** Knows whether a view was moved by hand a moment ago, and says when it has come to rest. */
export class Rest {
  readonly #rested: () => void;
  #view: Viewport | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(rested: () => void) {
    this.#rested = rested;
  }

  /** To be asked in every frame. A view that `following` moves by itself is never in a hurry. */
  moving(view: Viewport, following: boolean): boolean {
    const last = this.#view;
    if (last !== null && last.since === view.since && last.until === view.until) return this.#timer !== null;
    this.#view = view;
    this.dispose();
    if (following || last === null) return false;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#rested();
    }, REST);
    return true;
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
