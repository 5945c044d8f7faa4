import type { ThemeColors } from '../colors.ts';
import type { Live } from '../live-store.ts';
import type { Rows } from '../rows/row-model.ts';
import type { Hit } from './drawing/hit.ts';
import type { Minimap } from './drawing/minimap.ts';
import type { TimelineState } from './drawing/report.ts';
import type { StageElements } from './drawing/stage.ts';

export interface TimelineOptions {
  readonly live: Live;
  readonly elements: StageElements;
  /** Gets the `data-*` attributes by which tests and scripts see what is shown. */
  readonly panel: HTMLElement;
  readonly minimap: Minimap | null;
  /** What following means: the last 1,000 tasks, or the last 100,000. */
  readonly follows: 'recent' | 'history';
  /** Epoch seconds to open with instead. */
  readonly start: { readonly since: number; readonly until: number } | null;
  readonly colors: ThemeColors;
  readonly reducedMotion: () => boolean;
  readonly onState: (state: TimelineState) => void;
  readonly onHover: (hit: Hit | null) => void;
  /** The width that labels want, CSS pixels. */
  readonly onGutter: (width: number) => void;
  /** Rows were placed, folded or scrolled: device pixels. */
  readonly onRows: (place: RowsPlace) => void;
}

/** Where the rows of a stream are. */
export interface RowsPlace {
  readonly rows: Rows;
  readonly scroll: number;
  readonly height: number;
  /** Of the whole stack. */
  readonly total: number;
}
