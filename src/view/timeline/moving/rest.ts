import { span, type Viewport } from './viewport.ts';

/** A view that did not move for so long, ms, has come to rest. */
const REST = 150;
/** Views of spans that differ by less than this part are of the same zoom. */
const SAME = 1e-6;

/** What a view does: pans or zooms by hand, or did a moment ago; or nothing of it. */
export type Moving = 'no' | 'pans' | 'zooms';

/** Knows how a view was moved by hand a moment ago, and says when it has come to rest. */
export class Rest {
  readonly #rested: () => void;
  #view: Viewport | null = null;
  #zoomed = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(rested: () => void) {
    this.#rested = rested;
  }

  /** To be asked in every frame. A view that `following` moves by itself is never in a hurry. `time`: ms, monotonic. */
  moving(view: Viewport, following: boolean, time: number): Moving {
    const last = this.#view;
    this.#view = view;
    if (last === null || last.since !== view.since || last.until !== view.until) {
      this.dispose();
      if (following || last === null) return 'no';
      if (Math.abs(span(view) - span(last)) > span(view) * SAME) this.#zoomed = time;
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#rested();
      }, REST);
    }
    if (this.#timer === null) return 'no';
    return time - this.#zoomed < REST ? 'zooms' : 'pans';
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
