import type { RunView } from '../../model/batch.ts';
import type { Replica } from '../../store/replica.ts';
import type { FollowInput } from './moving/follow.ts';
import type { Bounds, TimeBase } from './moving/viewport.ts';

/** Tasks that /tasks opens with. */
export const TASKS_SHOWN = 100_000;
/** A view of all history grows in steps of about this part of it. */
const HISTORY_STEP = 1 / 64;
/** Something that ended less than this long ago still counts as going on, µs. */
const STILL_ACTIVE = 1e6;
/** A gap that begins within this part of a run after its end is shown with it, and this much of it, in parts of the run. */
const GAP_NEAR = 0.5;
const GAP_SHOWN = 0.75;
/** A shorter run counts as this long, µs. */
const LEAST_SEEN = 1e6;

/** A run in the stream's time. */
export function runBounds(run: RunView, base: TimeBase): Bounds {
  return { start: base.relative(Math.round(run.start * 1e6)), stop: base.relative(Math.round(run.stop * 1e6)) };
}

/**
 * Whether time goes on in the last run. Tasks that are on their way to a thread count too: where a busy scheduler hands them out with
 * pauses between them, the stream is neither idle nor stops and leaps.
 */
export function isActive(replica: Replica, now: number): boolean {
  if (replica.running.size > 0 || replica.processing > 0) return true;
  const stop = replica.follow?.runStop ?? 0;
  return stop > 0 && now * 1e6 - stop < STILL_ACTIVE;
}

/** Start and stop of all history, what was missed included, in the stream's time; null while there is none. */
export function historyBounds(replica: Replica, base: TimeBase, now: number): Bounds | null {
  const { allRuns: runs } = replica;
  let start = Number.POSITIVE_INFINITY;
  let stop = Number.NEGATIVE_INFINITY;
  for (const bounds of [...runs.map((run) => runBounds(run, base)), ...gapBounds(replica, base)]) {
    start = Math.min(start, bounds.start);
    stop = Math.max(stop, bounds.stop);
  }
  if (start > stop) return null;
  if (isActive(replica, now)) stop = Math.max(stop, base.relative(now * 1e6));
  return { start, stop: Math.max(start, stop) };
}

/** Times without records. */
function gapBounds({ gaps }: Replica, base: TimeBase): Bounds[] {
  return gaps.map(({ since, until }) => ({
    start: base.relative(Math.round(since * 1e6)),
    stop: base.relative(Math.round(until * 1e6)),
  }));
}

/**
 * Where to look up to, to see what was missed right after a run as well: nobody is to take that run for all there was. Of a long
 * gap a part is shown, so that the run stays readable.
 */
export function withGapAfter(replica: Replica, base: TimeBase, run: Bounds): Bounds {
  const wide = Math.max(run.stop - run.start, LEAST_SEEN);
  const most = run.stop + wide * GAP_SHOWN;
  const [next = Number.POSITIVE_INFINITY] = replica.allRuns
    .map(({ start }) => base.relative(Math.round(start * 1e6)))
    .filter((start) => start > run.stop);
  let { stop } = run;
  for (const gap of gapBounds(replica, base)) {
    // One that begins further on is as far from the run as others are from it.
    if (gap.stop > run.stop && gap.start < Math.min(next, run.stop + wide * GAP_NEAR)) stop = Math.max(stop, gap.stop);
  }
  return { start: run.start, stop: Math.min(stop, most, Math.max(next, run.stop)) };
}

/** What to follow while there is no run, but something that was missed. */
function followGaps(replica: Replica, base: TimeBase, now: number): FollowInput | null {
  const bounds = historyBounds(replica, base, now);
  return bounds === null ? null : { ...bounds, now: base.relative(now * 1e6), active: false };
}

/** What the stream of /status follows: the last 1,000 tasks of the last run. */
export function followRecent(replica: Replica, base: TimeBase, now: number): FollowInput | null {
  const { follow } = replica;
  if (follow === null) return followGaps(replica, base, now);
  return {
    ...withGapAfter(replica, base, { start: base.relative(follow.start), stop: base.relative(follow.runStop) }),
    now: base.relative(now * 1e6),
    active: isActive(replica, now),
    run: base.relative(follow.runStart),
  };
}

/** What the page of tasks follows: the runs that hold the last 100,000 tasks, up to now. */
export function followHistory(replica: Replica, base: TimeBase, now: number): FollowInput | null {
  const { runs } = replica;
  const last = runs.at(-1);
  if (last === undefined) return followGaps(replica, base, now);
  let first = runs.length - 1;
  for (let records = last.records; first > 0 && records < TASKS_SHOWN; first--) records += runs[first - 1]!.records;
  return {
    ...withGapAfter(replica, base, { start: runBounds(runs[first]!, base).start, stop: runBounds(last, base).stop }),
    now: base.relative(now * 1e6),
    active: isActive(replica, now),
    // What comes after a playhead is not shown.
    step: replica.playhead === null ? HISTORY_STEP : 0,
  };
}

/** The run that a time lies in, or the last one before it; -1 where there is none. */
export function runAt(runs: readonly RunView[], base: TimeBase, time: number): number {
  let found = -1;
  for (const [i, run] of runs.entries()) if (runBounds(run, base).start <= time) found = i;
  return found;
}
