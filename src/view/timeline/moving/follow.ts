import { between, overlaps, type Viewport } from './viewport.ts';

/** What a stream that follows goes by; times in microseconds from the stream's base. */
export interface FollowInput {
  /** Start of the oldest task to show. */
  readonly start: number;
  /** Stop of the last task. */
  readonly stop: number;
  /** The scheduler's clock. */
  readonly now: number;
  /** Something runs, or ended a moment ago: time goes on. */
  readonly active: boolean;
  /** The view grows in steps of this part of itself; 0: evenly. A long history that grows evenly would be drawn anew every frame. */
  readonly step?: number;
}

/** A run that just began is not blown up to fill the screen with its first milliseconds. */
const LEAST_SPAN = 1e6;
/** Air left of the first task and, once time stands still, right of the last. */
const AIR = 0.012;
/** Time constant of the easing, ms. */
const EASE_MS = 90;
/** A target this near (in parts of the view) is reached. */
const NEAR = 1e-4;

/** Where a following stream wants to be. It stands still once nothing runs. */
export function followTarget(input: FollowInput): Viewport {
  const right = input.active ? input.now : input.stop;
  const needed = Math.max(LEAST_SPAN, right - input.start);
  const step = input.active && input.step !== undefined ? 2 ** Math.ceil(Math.log2(needed)) * input.step : 0;
  const wide = step > 0 ? Math.ceil(needed / step) * step : needed;
  return { since: input.start - wide * AIR, until: input.start + wide * (input.active ? 1 : 1 + AIR) };
}

/**
 * One step from `view` towards `target`. Where the right edge is the `present` it never lags: only the left edge is eased. A target elsewhere (a new run, a jump back to now) is reached at once.
 */
export function followStep(
  view: Viewport | null,
  target: Viewport,
  present: boolean,
  ms: number,
  ease: boolean,
): Viewport {
  if (view === null || !ease || !overlaps(view, target)) return target;
  const next = between(view, target, 1 - Math.exp(-ms / EASE_MS));
  const wide = target.until - target.since;
  const since = Math.abs(next.since - target.since) < wide * NEAR ? target.since : next.since;
  const until = present || Math.abs(next.until - target.until) < wide * NEAR ? target.until : next.until;
  return { since, until };
}

export function settled(view: Viewport, target: Viewport): boolean {
  return view.since === target.since && view.until === target.until;
}
