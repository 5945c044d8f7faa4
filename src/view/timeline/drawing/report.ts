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

/** A stream that moves tells in each frame, and little of it is new: the browser looks at every attribute that is set. */
const ATTRIBUTES: {
  readonly [key in keyof TimelineState]?: { readonly name: string; readonly text: (state: TimelineState) => string };
} = {
  since: { name: 'since', text: ({ since }) => String(Math.round(since * 1e6)) },
  until: { name: 'until', text: ({ until }) => String(Math.round(until * 1e6)) },
  mode: { name: 'mode', text: ({ mode }) => mode },
  level: { name: 'level', text: ({ level }) => (level === null ? '' : String(level)) },
  following: { name: 'follow', text: ({ following }) => String(following) },
};

/** A view that follows moves in every frame: the page is told no more often than this, ms, if that is all. */
const MOVES_MS = 200;
/** Rows are listed while there are no more than this. */
const MOST_ROWS = 128;

function news(last: TimelineState | null, next: TimelineState): (keyof TimelineState)[] {
  return (Object.keys(next) as (keyof TimelineState)[]).filter((key) => last?.[key] !== next[key]);
}

/**
 * Tells what changed, at most once a frame: the page by a callback, tests and scripts by attributes of the panel: `data-since` and
 * `data-until` (epoch µs), `data-mode`, `data-level`, `data-follow`, `data-row-count`, `data-rows` ([[track, y, height], …] in CSS pixels of the plot).
 */
export class Report {
  readonly #panel: HTMLElement;
  readonly #changed: (state: TimelineState) => void;
  /** What the attributes say. */
  #last: TimelineState | null = null;
  /** What the page was told. */
  #told: TimelineState | null = null;
  #toldAt = 0;
  #rows = '';
  #stack: Layout | null = null;
  #layout: Layout | null = null;
  #place = '';

  constructor(panel: HTMLElement, changed: (state: TimelineState) => void) {
    this.#panel = panel;
    this.#changed = changed;
  }

  tell(stage: StageView, next: TimelineState): void {
    this.#tellRows(stage);
    const { dataset } = this.#panel;
    for (const key of news(this.#last, next)) {
      const attribute = ATTRIBUTES[key];
      if (attribute !== undefined) dataset[attribute.name] = attribute.text(next);
    }
    this.#last = next;
    const untold = news(this.#told, next);
    if (untold.length === 0) return;
    const moves = next.following && untold.every((key) => key === 'since' || key === 'until');
    if (moves && performance.now() - this.#toldAt < MOVES_MS) return;
    this.#told = next;
    this.#toldAt = performance.now();
    this.#changed(next);
  }

  #tellRows({ layout, stack, scroll, ratio }: StageView): void {
    if (stack !== this.#stack) {
      this.#stack = stack;
      this.#panel.dataset.rowCount = String(stack.rows.length);
    }
    const place = `${scroll}/${ratio}`;
    if (layout === this.#layout && place === this.#place) return;
    this.#layout = layout;
    this.#place = place;
    const rows =
      layout.rows.length > MOST_ROWS
        ? ''
        : JSON.stringify(layout.rows.map((row) => [row.track, (row.y - scroll) / ratio, row.height / ratio]));
    if (rows === this.#rows) return;
    this.#rows = rows;
    this.#panel.dataset.rows = rows;
  }
}
