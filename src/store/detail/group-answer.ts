import type { Store } from '../store.ts';
import type { Grid } from './shares.ts';
import type { Slices } from './slices.ts';
import type { GroupSum } from './track-groups.ts';

/** Rows that are gone through without a chance to stop. */
export const PART_ROWS = 8_192;

/** A question about groups, at work. */
export interface GroupQuestion {
  readonly store: Store;
  readonly grid: Grid;
  readonly functions: ReadonlySet<number> | null;
  /** Counts rows that were gone through; true: it is time to stop for now. */
  spent(rows: number): boolean;
}

/** Adds up tracks from a bin on, in parts: those of a host at once where there is a sum of them and all of them are asked for. */
export function* sumUpTracks(
  question: GroupQuestion,
  tracks: Iterable<number>,
  holds: (track: number) => boolean,
  first: number,
  sum: GroupSum,
): Generator<undefined> {
  const { functions, grid, spent, store } = question;
  const { count, firstBin, level } = grid;
  const width = 2 ** level;
  const [since, until] = [(firstBin + first) * width, (firstBin + count) * width];
  // Rows of workers that are gone are not asked for where there is nothing to show of them.
  const mayHave = (of: number): boolean => holds(of) || store.slices.rowsIn(of, level, since, until) === 0;
  /** What of a track is there in a sum; -1: none of it. */
  const summed = new Map<number, number>();
  for (const of of tracks) {
    if (!summed.has(of)) {
      const together = store.sums.at(of, level);
      if (together === null || !together.tracks.every(mayHave)) {
        summed.set(of, -1);
      } else {
        sum.begin(first);
        const gone = store.sums.read(of, level, since, until, functions, sum.add);
        for (const track of together.tracks) summed.set(track, together.above);
        if (spent(8 + gone)) yield;
      }
    }
    yield* sumUpTrack(question, of, summed.get(of)!, first, sum);
  }
}

/** `above`: slices of greater classes alone; -1: all of them. */
function* sumUpTrack(
  { functions, grid, spent, store: { slices } }: GroupQuestion,
  of: number,
  above: number,
  first: number,
  sum: GroupSum,
): Generator<undefined> {
  const { firstBin, level } = grid;
  const width = 2 ** level;
  let next = first;
  for (let end = partOf(slices, grid, of, next, level, above); end > next; ) {
    sum.begin(next);
    const since = (firstBin + next) * width;
    const gone = slices.busy(of, level, since, (firstBin + end) * width, functions, sum.add, above, sum.fill);
    next = end;
    if (spent(8 + gone)) yield;
    end = partOf(slices, grid, of, next, level, above);
  }
}

/** Up to which bin a track is gone through in one part; `from` when there is nothing left. `finest`: level of what can be read. */
export function partOf(slices: Slices, grid: Grid, of: number, from: number, finest: number, above = -1): number {
  const { count, firstBin, level } = grid;
  if (from >= count) return from;
  const width = 2 ** level;
  const rows = slices.rowsIn(of, finest, (firstBin + from) * width, (firstBin + count) * width, undefined, above);
  if (rows === 0) return from;
  if (rows <= PART_ROWS) return count;
  return Math.min(count, from + Math.max(1, Math.floor(((count - from) * PART_ROWS) / rows)));
}

/** About how many rows a track costs a question, its part of a sum that it is in. */
export function rowsOf({ slices, sums }: Store, of: number, level: number, since: number, until: number): number {
  const together = sums.at(of, level);
  if (together === null) return slices.rowsIn(of, level, since, until, 0);
  const rows = sums.rowsIn(of, since, until) / together.tracks.length;
  return rows + slices.rowsIn(of, level, since, until, 0, together.above);
}
