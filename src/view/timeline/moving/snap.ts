import { lowerBound } from '../../../base/bisect.ts';
import type { WindowData } from '../../../store/detail/window-data.ts';

/**
 * The start or stop of a slice of these rows, or one of the `edges`, that lies nearest to `time`, no further away than `reach`; null where
 * there is none. All in epoch µs. Rows that are drawn as shares have no edges of their own.
 */
export function snapTime(
  data: WindowData | null,
  tracks: readonly number[],
  time: number,
  reach: number,
  edges: readonly number[] = [],
): number | null {
  let best: number | null = null;
  const offer = (edge: number): void => {
    const distance = Math.abs(edge - time);
    if (distance <= reach && (best === null || distance < Math.abs(best - time))) best = edge;
  };
  for (const edge of edges) offer(edge);
  if (data?.mode !== 'slices') return best;
  for (const track of tracks) {
    const slices = data.slicesOf(track);
    if (slices === undefined) continue;
    const { start, stop, length } = slices;
    // Slices of a row follow one another, but for a few that overlap: a long one may end here and have begun long ago.
    const at = lowerBound(start, time - reach, 0, length);
    for (let i = Math.max(0, at - BACK); i < length && start[i]! <= time + reach; i++) {
      offer(start[i]!);
      offer(stop[i]!);
    }
  }
  return best;
}

/** So many slices before the place are looked at. */
const BACK = 16;
