import { between, overlaps, span, type Viewport } from './viewport.ts';

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
  /** Where the run began that the task belongs to. A view that has left it behind slides on evenly, as wide as it was while that will do. */
  readonly run?: number;
  /** The view grows in steps of this part of itself; 0: evenly. A long history that grows evenly would be drawn anew every frame. */
  readonly step?: number;
}

/** A run that just began is not blown up to fill the screen with its first milliseconds. */
const LEAST_SPAN = 1e6;
/** Air left of the first task and, once time stands still, right of the last. */
const AIR = 0.012;
/** Time constant of the easing, ms. */
const EASE_MS = 90;
/** A view that slides is so many times as wide as it has to be, and stays so while it has to be no more than that, and no less than a bit. */
const ROOM = 1.2;
const LOOSE = 1.6;
/** A target this near (in parts of the view) is reached. */
const NEAR = 1e-4;

/** Where a stream wants to be, and how it gets there: its right edge is free, or the present; then it `grows` to the right or `slides`. */
export interface FollowTarget extends Viewport {
  readonly goes: 'free' | 'grows' | 'slides';
}

/** Where a following stream wants to be. It stands still once nothing runs. `last`: where it wanted to be before. */
export function followTarget(input: FollowInput, last: FollowTarget | null = null): FollowTarget {
  const right = input.active ? input.now : input.stop;
  const needed = Math.max(LEAST_SPAN, right - input.start);
  if (input.active && input.run !== undefined && input.start > input.run) {
    const held = last?.goes === 'slides' ? span(last) : 0;
    const wide = held >= needed && held <= needed * LOOSE ? held : Math.ceil(needed * ROOM);
    // In whole microseconds its width stays the same to the last bit, and what is drawn is moved instead of drawn anew.
    const until = Math.ceil(right);
    if (until - wide >= input.run) return { since: until - wide, until, goes: 'slides' };
  }
  const step = input.active && input.step !== undefined ? 2 ** Math.ceil(Math.log2(needed)) * input.step : 0;
  const wide = step > 0 ? Math.ceil(needed / step) * step : needed;
  const until = input.start + wide * (input.active ? 1 : 1 + AIR);
  return { since: input.start - wide * AIR, until, goes: input.active ? 'grows' : 'free' };
}

/**
 * One step from `view` towards `target`. Where the right edge is the present it never lags: only the left edge is eased, or of what
 * slides the width. A target elsewhere (a new run, a jump back to now) is reached at once.
 */
export function followStep(view: Viewport | null, target: FollowTarget, ms: number, ease: boolean): Viewport {
  const there = { since: target.since, until: target.until };
  if (view === null || !ease || !overlaps(view, target)) return there;
  const share = 1 - Math.exp(-ms / EASE_MS);
  const wide = span(target);
  const near = (a: number, b: number): boolean => Math.abs(a - b) < wide * NEAR;
  if (target.goes === 'slides') {
    const width = span(view) + (wide - span(view)) * share;
    return near(width, wide) ? there : { since: target.until - width, until: target.until };
  }
  const next = between(view, target, share);
  const since = near(next.since, target.since) ? target.since : next.since;
  const until = target.goes === 'grows' || near(next.until, target.until) ? target.until : next.until;
  return { since, until };
}

export function settled(view: Viewport, target: Viewport): boolean {
  return view.since === target.since && view.until === target.until;
}
