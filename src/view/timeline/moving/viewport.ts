import type { Micros } from '../../../model/units.ts';

/**
 * What part of time is on screen. All times here are microseconds from a base that the stream chooses once (see
 * {@link TimeBase}): epoch microseconds have 51 bits of their own and would leave a quarter of a microsecond to zoom in.
 * Plain functions on plain values; {@link ./follow.ts} says where a stream goes by itself.
 */
export interface Viewport {
  readonly since: number;
  readonly until: number;
}

/** Where the history lies that may be looked at, in the same unit. */
export interface Bounds {
  readonly start: number;
  readonly stop: number;
}

/** Narrowest view: 10 µs. */
export const MIN_SPAN = 10;
/** Widest view: 20 years. */
export const MAX_SPAN = 20 * 365.25 * 86_400 * 1e6;
/** This much of the view must still show history, so that nobody gets lost in the void. */
const KEEP_IN_VIEW = 0.1;

export function span(view: Viewport): number {
  return view.until - view.since;
}

export function pan(view: Viewport, by: number): Viewport {
  return { since: view.since + by, until: view.until + by };
}

/** `factor` < 1 zooms in. The time `about` keeps its place on screen, at the limits of zoom too. */
export function zoomAbout(view: Viewport, about: number, factor: number): Viewport {
  const old = span(view);
  const wide = Math.min(MAX_SPAN, Math.max(MIN_SPAN, old * factor));
  const since = about - (about - view.since) * (wide / old);
  return { since, until: since + wide };
}

/** The range with some air on both sides. */
export function fitTo(range: Bounds, air = 0.02): Viewport {
  const wide = Math.max(MIN_SPAN, range.stop - range.start);
  return { since: range.start - wide * air, until: range.start + wide * (1 + air) };
}

/** The nearest view of the same width that still shows some history. */
export function clamp(view: Viewport, bounds: Bounds): Viewport {
  const wide = span(view);
  const keep = wide * KEEP_IN_VIEW;
  const least = bounds.start + keep - wide;
  const most = Math.max(least, bounds.stop - keep);
  const since = Math.min(most, Math.max(least, view.since));
  return { since, until: since + wide };
}

export function overlaps(a: Viewport, b: Viewport): boolean {
  return a.since < b.until && b.since < a.until;
}

/** Goes from one view towards another; `share` 1 arrives. */
export function between(from: Viewport, to: Viewport, share: number): Viewport {
  return {
    since: from.since + (to.since - from.since) * share,
    until: from.until + (to.until - from.until) * share,
  };
}

/** Translates between epoch microseconds (exact integers) and a stream's own. */
export class TimeBase {
  readonly epoch: Micros;
  constructor(epoch: Micros) {
    this.epoch = Math.floor(epoch);
  }
  relative(micros: Micros): number {
    return micros - this.epoch;
  }
  absolute(relative: number): Micros {
    return relative + this.epoch;
  }
}

/**
 * How times lie on device pixels: column c covers [(column + c) * perPixel, (column + c + 1) * perPixel). The grid stands
 * still at one zoom, so a pan moves whole columns, which can be kept, and no column changes its content on the way.
 */
export interface Scale {
  readonly perPixel: number;
  /** Number of the leftmost column on the grid. */
  readonly column: number;
  readonly width: number;
}

export function scaleOf(view: Viewport, width: number): Scale {
  const perPixel = span(view) / Math.max(1, width);
  return { perPixel, column: Math.round(view.since / perPixel), width };
}

/** Whether columns of one number show one time, to a thousandth of a pixel: a view that is moved keeps its span but for rounding. */
export function sameColumns(a: Scale, b: Scale): boolean {
  const furthest = Math.max(Math.abs(a.column), Math.abs(b.column)) + b.width;
  return Math.abs(a.perPixel - b.perPixel) * furthest <= b.perPixel / 1_000;
}

/** The pixel of a time; fractions are kept. */
export function xOf(scale: Scale, time: number): number {
  return time / scale.perPixel - scale.column;
}

export function timeAt(scale: Scale, x: number): number {
  return (scale.column + x) * scale.perPixel;
}
