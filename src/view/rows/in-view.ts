import { lowerBound } from '../../base/bisect.ts';
import { FIRST_GROUP, type GroupQuery } from '../../model/batch.ts';
import type { WindowData } from '../../store/detail/window-data.ts';
import { type Layout, rowsWithin } from '../timeline/drawing/layout.ts';
import type { Scene } from '../timeline/drawing/scene.ts';
import { slicesWithin } from '../timeline/drawing/slices-renderer.ts';
import type { RowsWanted } from '../timeline/moving/window-plan.ts';

/** Whether a track has anything to show in view. */
export function hasData(scene: Scene, track: number): boolean {
  const since = scene.base.absolute(scene.view.since);
  const until = scene.base.absolute(scene.view.until);
  const shows = (data: WindowData | null): boolean => data !== null && hasWithin(data, track, since, until);
  return shows(scene.main) || shows(scene.overview) || scene.replica.running.has(track);
}

function hasWithin(data: WindowData, track: number, since: number, until: number): boolean {
  if (data.mode === 'slices') {
    const slices = data.slicesOf(track);
    if (slices === undefined) return false;
    const [from, to] = slicesWithin(slices, since, until);
    return to > from;
  }
  const shares = data.mode === 'shares' ? data.sharesOf(track) : undefined;
  if (shares === undefined) return false;
  const width = 2 ** data.level;
  const first = lowerBound(shares.bin, Math.floor(since / width) - data.firstBin, 0, shares.length);
  return first < shares.length && (data.firstBin + shares.bin[first]!) * width < until;
}

/** Rows are asked for this many screens beyond what is on one, so that scrolling meets rows that are there. */
const BEYOND = 0.5;
const LEAST_BEYOND = 16;
/** Not more than a message may name. */
const MOST = 2_000;

/**
 * The rows that a screen shows, as windows to ask for: tracks (all of them where they are few), and folded groups. Null: there are
 * none of the kind.
 */
export function rowsWanted(
  layout: Layout,
  scroll: number,
  height: number,
  all: boolean,
): { readonly tracks: RowsWanted | null; readonly groups: RowsWanted | null } {
  const { rows } = layout;
  const [from, to] = rowsWithin(layout, scroll, scroll + height);
  const beyond = Math.max(LEAST_BEYOND, Math.ceil((to - from) * BEYOND));
  const some = [Math.max(0, from - beyond), Math.min(rows.length, to + beyond)] as const;
  const tracksOf = (first: number, end: number): number[] => {
    const found: number[] = [];
    for (let i = first; i < end && found.length < MOST; i++)
      if (rows[i]!.track < FIRST_GROUP) found.push(rows[i]!.track);
    return found;
  };
  const groupsOf = (first: number, end: number): GroupQuery[] => {
    const found: GroupQuery[] = [];
    for (let i = first; i < end && found.length < MOST; i++) if (rows[i]!.query !== null) found.push(rows[i]!.query!);
    return found;
  };
  const shown = tracksOf(from, to);
  const groups = groupsOf(from, to);
  const tracks: RowsWanted = all
    ? { tracks: null }
    : { tracks: { shown, ask: () => tracksOf(...some).sort((a, b) => a - b) } };
  return {
    tracks: all || shown.length > 0 ? tracks : null,
    groups: groups.length > 0 ? { tracks: null, groups: { shown: groups, ask: () => groupsOf(...some) } } : null,
  };
}
