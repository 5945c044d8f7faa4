import type { WindowData } from '../../../store/detail/window-data.ts';
import { type Hit, type SliceHit, sliceHit } from '../drawing/hit.ts';
import { stepSlice } from '../drawing/hit-test.ts';
import type { Row } from '../drawing/layout.ts';

/** What walking by keyboard goes by; times are epoch µs. */
export interface Walk {
  readonly rows: readonly Row[];
  readonly data: WindowData | null;
  readonly chosen: Hit | null;
  /** What is in view: where a walk begins. */
  readonly since: number;
  readonly until: number;
}

/** The slice after (or before) the chosen one in its row; without one the first (or last) in view of the first row. */
export function stepInRow(direction: 1 | -1, { rows, data, chosen, since, until }: Walk): SliceHit | null {
  const row = rows.find((candidate) => candidate.track === chosen?.track) ?? rows[0];
  const slices = row === undefined ? undefined : data?.slicesOf(row.track);
  if (row === undefined || slices === undefined) return null;
  let from = -1;
  if (chosen?.kind === 'slice') {
    for (let i = 0; i < slices.length; i++) {
      if (slices.record[i] === chosen.record && slices.start[i] === chosen.start) from = i;
    }
  }
  const next = stepSlice(slices, from, direction, direction === 1 ? since : until);
  return next < 0 ? null : sliceHit(row.track, slices, next);
}

/** The slice at the chosen one's time in the nearest row above or below that has any. */
export function stepToRow(direction: 1 | -1, { rows, data, chosen, since }: Walk): SliceHit | null {
  const time = chosen?.kind === 'slice' ? chosen.start : since;
  const at = rows.findIndex((row) => row.track === chosen?.track);
  for (let i = at + direction; i >= 0 && i < rows.length; i += direction) {
    const slices = data?.slicesOf(rows[i]!.track);
    if (slices === undefined || slices.length === 0) continue;
    const next = stepSlice(slices, -1, 1, time);
    return sliceHit(rows[i]!.track, slices, next < 0 ? slices.length - 1 : next);
  }
  return null;
}
