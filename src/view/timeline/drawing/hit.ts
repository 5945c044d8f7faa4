import { FIRST_GROUP } from '../../../model/batch.ts';
import { plainCategory } from '../../../model/task-state.ts';
import type { Replica } from '../../../store/replica.ts';
import { labelOf } from '../../rows/gutter.ts';
import { timeAt } from '../moving/viewport.ts';
import { sliceAt } from './hit-test.ts';
import { type Layout, rowOf } from './layout.ts';
import { type Picture, type PictureInput, sourceAt } from './picture.ts';

/** What the pointer or the keyboard found. Times are epoch microseconds. */
export type Hit = SliceHit | RunningHit | SharesHit;

export interface SliceHit {
  readonly kind: 'slice';
  readonly track: number;
  readonly record: number;
  /** -1: not known, the record says. */
  readonly category: number;
  readonly fn: number;
  readonly start: number;
  readonly stop: number;
}

export interface RunningHit {
  readonly kind: 'running';
  readonly track: number;
  readonly fn: number;
  readonly start: number;
  readonly key: string;
}

/** A column of shares: how a piece of time was spent. */
export interface SharesHit {
  readonly kind: 'shares';
  readonly track: number;
  /** Of a folded group, which has no thread of its own; null: a track's. */
  readonly group: string | null;
  readonly since: number;
  readonly until: number;
  /** By category, largest first, 0..1; with UNMATCHED in it for what does not match a filter. */
  readonly shares: readonly (readonly [category: number, share: number])[];
}

/** How far from the pointer thin slices are found, CSS pixels. */
const REACH = 3;

export function findHit(
  input: PictureInput,
  picture: Picture,
  replica: Replica,
  now: number,
  ratio: number,
  track: number,
  x: number,
  depth: number,
): Hit | null {
  const { scale, epoch } = input;
  const time = timeAt(scale, x) + epoch;
  const data = sourceAt(input, track, timeAt(scale, x));
  const slices = data?.mode === 'slices' ? data.slicesOf(track) : undefined;
  const found = slices === undefined ? -1 : sliceAt(slices, { time, reach: REACH * ratio * scale.perPixel, depth });
  if (slices !== undefined && found >= 0) return sliceHit(track, slices, found);
  const running = replica.running.get(track);
  if (running !== undefined && time >= running.start && time <= now + epoch) {
    return { kind: 'running', track, fn: running.fn, start: running.start, key: running.key };
  }
  const column = Math.floor(x);
  const [since, until] = [timeAt(scale, column), timeAt(scale, column + 1)];
  const shares = picture.sharesAt(input, track, since, until);
  if (shares === null || shares.size === 0) return null;
  return {
    kind: 'shares',
    track,
    group: track >= FIRST_GROUP ? groupLabel(input.layout, track) : null,
    since: since + epoch,
    until: until + epoch,
    shares: [...shares].sort((a, b) => b[1] - a[1]),
  };
}

function groupLabel(layout: Layout, row: number): string {
  const group = layout.groups[rowOf(layout, row)?.group ?? -1];
  return group === undefined ? '' : labelOf(group);
}

export function sliceHit(
  track: number,
  slices: {
    readonly record: ArrayLike<number>;
    readonly category: ArrayLike<number>;
    readonly fn: ArrayLike<number>;
    readonly start: ArrayLike<number>;
    readonly stop: ArrayLike<number>;
  },
  index: number,
): SliceHit {
  return {
    kind: 'slice',
    track,
    record: slices.record[index]!,
    category: plainCategory(slices.category[index]!),
    fn: slices.fn[index]!,
    start: slices.start[index]!,
    stop: slices.stop[index]!,
  };
}

/** Whether two hits are the same thing, so that nothing has to change on screen. */
export function sameHit(a: Hit | null, b: Hit | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'slice' && b.kind === 'slice')
    return a.record === b.record && a.start === b.start && a.stop === b.stop;
  if (a.kind === 'running' && b.kind === 'running') return a.track === b.track && a.start === b.start;
  return (
    a.kind === 'shares' && b.kind === 'shares' && a.track === b.track && a.since === b.since && a.until === b.until
  );
}
