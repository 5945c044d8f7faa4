import type { Layout } from './layout.ts';
import type { StageView } from './stage.ts';

/** What a stream tells the page around it. */
export interface TimelineState {
  readonly following: boolean;
  /** When the last run ended, epoch seconds; null while something runs or nothing ever ran. */
  readonly idleSince: number | null;
  readonly mode: 'slices' | 'shares' | 'empty';
  /** Of the shares that are drawn. */
  readonly level: number | null;
  readonly scrolls: boolean;
  /** The ruler counts from the start of the run. */
  readonly elapsed: boolean;
  /** What is on screen, epoch seconds. */
  readonly since: number;
  readonly until: number;
}

/** Rows are listed while there are no more than this. */
const MOST_ROWS = 128;

/**
 * Tells what changed, at most once a frame: the page by a callback, tests and scripts by attributes of the panel: `data-since` and
 * `data-until` (epoch µs), `data-mode`, `data-level`, `data-follow`, `data-row-count`, `data-rows` ([[track, y, height], …] in CSS pixels of the plot).
 */
export class Report {
  readonly #panel: HTMLElement;
  readonly #changed: (state: TimelineState) => void;
  #last: TimelineState | null = null;
  #rows = '';
  #stack: Layout | null = null;

  constructor(panel: HTMLElement, changed: (state: TimelineState) => void) {
    this.#panel = panel;
    this.#changed = changed;
  }

  tell(stage: StageView, next: TimelineState): void {
    this.#tellRows(stage);
    const last = this.#last;
    if (last !== null && Object.entries(next).every(([key, value]) => last[key as keyof TimelineState] === value))
      return;
    this.#last = next;
    const { dataset } = this.#panel;
    dataset.since = String(Math.round(next.since * 1e6));
    dataset.until = String(Math.round(next.until * 1e6));
    dataset.mode = next.mode;
    dataset.level = next.level === null ? '' : String(next.level);
    dataset.follow = String(next.following);
    this.#changed(next);
  }

  #tellRows({ layout, stack, scroll, ratio }: StageView): void {
    if (stack !== this.#stack) {
      this.#stack = stack;
      this.#panel.dataset.rowCount = String(stack.rows.length);
    }
    const rows =
      layout.rows.length > MOST_ROWS
        ? ''
        : JSON.stringify(layout.rows.map((row) => [row.track, (row.y - scroll) / ratio, row.height / ratio]));
    if (rows === this.#rows) return;
    this.#rows = rows;
    this.#panel.dataset.rows = rows;
  }
}
