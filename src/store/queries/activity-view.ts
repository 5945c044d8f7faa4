import type { Steps } from '../../base/steps.ts';
import { type Seconds, type Seq, toMicros, toSeconds } from '../../model/units.ts';
import { gridOver } from '../detail/shares.ts';
import type { Store } from '../store.ts';

/** What every track did in a range: columns, in the order of the tracks. */
export interface ActivityView {
  readonly seq: Seq;
  readonly time: Seconds;
  /** The range that was looked at: the one asked for, widened to whole bins of its 64th part or less. */
  readonly start: Seconds;
  readonly stop: Seconds;
  readonly worker: readonly string[];
  readonly slot: readonly number[];
  /** Seconds in which it did anything; what overlaps counts once a bin. */
  readonly busy: readonly number[];
  /** When it ended something last, of all it ever did; null where it did nothing yet. */
  readonly last: readonly (Seconds | null)[];
}

const BINS = 64;
/** Rows that are gone through in one step. */
const STEP_ROWS = 100_000;

export function* activitySteps(store: Store, since: Seconds, until: Seconds): Steps<ActivityView> {
  const { seq, slices, tracks } = store;
  const list = tracks.list.slice();
  const grid = gridOver(toMicros(since), toMicros(until), 0, BINS);
  const width = 2 ** grid.level;
  const from = grid.firstBin * width;
  const to = from + grid.count * width;
  const busy: number[] = [];
  const inBin = new Float64Array(grid.count);
  let rows = 0;
  for (const { track } of list) {
    inBin.fill(0);
    rows += slices.busy(track, grid.level, from, to, null, (bin, _category, micros) => {
      inBin[bin]! += micros;
    });
    let sum = 0;
    for (const micros of inBin) sum += Math.min(width, micros);
    busy.push(toSeconds(sum));
    rows += BINS;
    if (rows < STEP_ROWS) continue;
    rows = 0;
    yield;
  }
  return {
    seq,
    time: store.clock(),
    start: toSeconds(from),
    stop: toSeconds(to),
    worker: list.map(({ place }) => place.address),
    slot: list.map(({ slot }) => slot),
    busy,
    last: list.map(({ track }) => {
      const stop = slices.lastStop(track);
      return Number.isFinite(stop) ? toSeconds(stop) : null;
    }),
  };
}
