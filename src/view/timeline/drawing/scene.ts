import type { WindowFilter } from '../../../model/batch.ts';
import type { WindowData } from '../../../store/detail/window-data.ts';
import type { Replica } from '../../../store/replica.ts';
import type { TimeBase, Viewport } from '../moving/viewport.ts';
import type { Hit } from './hit.ts';
import type { Draw, Stage } from './painter.ts';

/** Everything that one frame shows. */
export interface Scene {
  readonly replica: Replica;
  readonly view: Viewport;
  readonly base: TimeBase;
  /** The present, in the stream's time. */
  readonly now: number;
  /** Data of tracks in view. */
  readonly main: WindowData | null;
  /** Data of folded groups in view. */
  readonly groups: WindowData | null;
  readonly overview: WindowData | null;
  /** Functions that are shown; null: all. */
  readonly functions: ReadonlySet<number> | null;
  /** What of it does not match fades; null: nothing does. */
  readonly filter: WindowFilter | null;
  /** It is being zoomed: of many rows a coarser picture is shown, which is made in time for each frame. */
  readonly zooms: boolean;
  readonly hover: Hit | null;
  readonly selected: Hit | null;
}

/**
 * Something drawn over the rows. Every picture is drawn anew from the rows up, so an overlay never has to take anything away; what
 * changes it from outside asks the timeline for a new picture (`Timeline.redraw`).
 */
export interface Overlay {
  /** Positions are device pixels of the plot: `stage` says where times and rows lie, `scene` what is shown. */
  draw(draw: Draw, stage: Stage, scene: Scene): void;
}
