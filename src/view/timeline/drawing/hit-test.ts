import type { TrackSlices } from '../../../store/detail/window-data.ts';
import { indexOf, slicesWithin, UPPER_LANE } from './slices-renderer.ts';

/** Which slice lies at a place: `time` and `reach` in epoch µs, `depth` 0 (top) to 1 (bottom) within the row. */
export interface Place {
  readonly time: number;
  /** Thin slices are found this far from the pointer. */
  readonly reach: number;
  readonly depth: number;
}

/** Index of the slice at a place, or -1: what lies in the upper lane first, then what is hit, then the nearest within reach. */
export function sliceAt(slices: TrackSlices, { time, reach, depth }: Place): number {
  const { lane } = indexOf(slices);
  const [from, to] = slicesWithin(slices, time - reach, time + reach + 1e-6);
  let best = -1;
  let bestScore = Number.POSITIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const distance = Math.max(0, slices.start[i]! - time, time - slices.stop[i]!);
    if (distance > reach) continue;
    if (lane[i] === 1 && depth > UPPER_LANE) continue;
    // Distance decides; among what is hit, the upper lane, then the later one, which was painted over the earlier.
    const score = distance * 4 + (lane[i] === 1 ? 0 : 1) * reach * 1e-3;
    if (score <= bestScore) {
      best = i;
      bestScore = score;
    }
  }
  return best;
}

/** The neighbour of a slice in its row: +1 the next, -1 the one before; `from` -1 begins at `time`. -1 where there is none. */
export function stepSlice(slices: TrackSlices, from: number, direction: 1 | -1, time: number): number {
  if (from >= 0) {
    const next = from + direction;
    return next >= 0 && next < slices.length ? next : -1;
  }
  const [first] = slicesWithin(slices, time, Number.POSITIVE_INFINITY);
  if (direction === 1) return first < slices.length ? first : -1;
  return first - 1;
}
