import type { TrackView } from '../../model/batch.ts';
import { type Layout, type LayoutOptions, layoutRows } from '../timeline/drawing/layout.ts';
import { DEFAULT_ROWS, GroupNumbers, type RowOptions, rowsOf, type TrackActivity } from './row-model.ts';

/** Rows of tracks as a stream lays them out; everything is shown unless `shows` says otherwise. */
export function layoutOf(
  tracks: readonly (TrackView | undefined)[],
  {
    shows = () => true,
    options = {},
    activity = null,
    ...size
  }: LayoutOptions & {
    readonly shows?: (track: number) => boolean;
    readonly options?: Partial<RowOptions>;
    readonly activity?: TrackActivity | null;
  },
): Layout {
  const rows = rowsOf(tracks, { ...DEFAULT_ROWS, ...options }, shows, activity, new GroupNumbers());
  return layoutRows(rows.sections, size);
}

export function trackOf(track: number, host: string, name: string, slot: number, alive = true): TrackView {
  return { track, worker: track, address: `tcp://${host}:${name}`, name, host, slot, alive };
}
