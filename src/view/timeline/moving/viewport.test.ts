import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FollowTarget, followStep, followTarget } from './follow.ts';
import {
  clamp,
  fitTo,
  MAX_SPAN,
  MIN_SPAN,
  pan,
  sameColumns,
  scaleOf,
  span,
  TimeBase,
  timeAt,
  type Viewport,
  xOf,
  zoomAbout,
} from './viewport.ts';

const time = fc.double({ min: -1e12, max: 1e12, noNaN: true });
const view = fc
  .tuple(time, fc.double({ min: MIN_SPAN, max: 1e12, noNaN: true }))
  .map(([since, wide]) => ({ since, until: since + wide }))
  .filter((v) => span(v) >= MIN_SPAN);

describe('viewport', () => {
  it('has the same columns on another scale only where none shows another time', () => {
    const scale = { perPixel: 46_620.046, column: 1_287, width: 1_287 };
    const longer = (by: number) => ({ ...scale, perPixel: scale.perPixel * (1 + by) });
    expect(sameColumns(scale, longer(1e-12))).toBe(true);
    expect(sameColumns(scale, longer(1e-6))).toBe(false);
    // Far from where columns are counted from, less is too much.
    expect(sameColumns({ ...scale, column: 1e10 }, { ...longer(1e-12), column: 1e10 })).toBe(false);
  });

  it('pans there and back', () => {
    fc.assert(
      fc.property(view, fc.integer({ min: -1e9, max: 1e9 }), (v, by) => {
        const back = pan(pan(v, by), -by);
        expect(back.since).toBeCloseTo(v.since, 2);
        expect(span(back)).toBeCloseTo(span(v), 2);
      }),
    );
  });

  it('keeps the time under the pointer where it is while zooming, within the limits', () => {
    fc.assert(
      fc.property(
        view,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (v, at, f) => {
          const about = v.since + span(v) * at;
          const next = zoomAbout(v, about, f);
          const share = (about - next.since) / span(next);
          expect(share).toBeCloseTo(at, 4);
          expect(span(next)).toBeGreaterThanOrEqual(MIN_SPAN * 0.99);
          expect(span(next)).toBeLessThanOrEqual(MAX_SPAN);
        },
      ),
    );
  });

  it('always leaves some history in view', () => {
    fc.assert(
      fc.property(view, time, fc.double({ min: 0, max: 1e12, noNaN: true }), (v, start, wide) => {
        const bounds = { start, stop: start + wide };
        const held = clamp(v, bounds);
        expect(span(held)).toBeCloseTo(span(v), 0);
        expect(held.since).toBeLessThan(bounds.stop + 1e-3);
        expect(held.until).toBeGreaterThan(bounds.start - 1e-3);
      }),
    );
  });

  it('fits a range with air on both sides, however short', () => {
    expect(fitTo({ start: 100, stop: 1100 }, 0.1)).toEqual({ since: 0, until: 1200 });
    expect(span(fitTo({ start: 5, stop: 5 }))).toBeGreaterThanOrEqual(MIN_SPAN);
  });

  it('holds 10 µs on today’s clock apart to a hundredth of a pixel', () => {
    const base = new TimeBase(1_790_000_000_123_456);
    const at = base.epoch + 3_600_000_001;
    const scale = scaleOf({ since: base.relative(at), until: base.relative(at) + 10 }, 1_000);
    expect(xOf(scale, base.relative(at + 1)) - xOf(scale, base.relative(at))).toBeCloseTo(100, 2);
    expect(base.absolute(base.relative(at))).toBe(at);
  });

  it('lies on a grid that stands still: a pan by whole pixels moves whole columns', () => {
    const v = { since: 1_000, until: 2_000 };
    const a = scaleOf(v, 500);
    const b = scaleOf(pan(v, 2 * 37), 500);
    expect(b.perPixel).toBe(a.perPixel);
    expect(b.column - a.column).toBe(37);
    expect(timeAt(b, xOf(b, 1_234))).toBeCloseTo(1_234, 6);
  });
});

describe('following', () => {
  const run = { start: 1e6, stop: 9e6, now: 10e6, active: true };

  it('ends at the present while something runs, and stands still after', () => {
    expect(followTarget(run).until).toBe(10e6);
    const idle = followTarget({ ...run, active: false });
    expect(followTarget({ ...run, now: 99e6, active: false })).toEqual(idle);
    expect(idle.until).toBeGreaterThan(9e6);
    expect(idle.until).toBeLessThan(9.2e6);
  });

  it('shows at least a second, from the left, so that a new run is not blown up', () => {
    const target = followTarget({ start: 0, stop: 0, now: 5_000, active: true });
    expect(target.since).toBeLessThanOrEqual(0);
    expect(span(target)).toBeGreaterThanOrEqual(1e6);
  });

  it('eases the left edge only, arrives, and jumps to a run elsewhere', () => {
    const target = followTarget(run);
    let v = { since: target.since - 4e6, until: target.until - 1e5 };
    v = followStep(v, target, 16, true);
    expect(v.until).toBe(target.until);
    expect(v.since).toBeGreaterThan(target.since - 4e6);
    expect(v.since).toBeLessThan(target.since);
    for (let i = 0; i < 120; i++) v = followStep(v, target, 16, true);
    const at = { since: target.since, until: target.until };
    expect(v).toEqual(at);
    expect(followStep({ since: -100e6, until: -50e6 }, target, 16, true)).toEqual(at);
    expect(followStep(v, followTarget({ ...run, start: 5e6 }), 16, false).since).toBeGreaterThan(4e6);
  });

  it('slides on evenly once it has left the start of its run behind, and is moved by whole columns', () => {
    const at = (now: number, late: number) => ({ start: now - 1.5e6 - late, stop: now, now, active: true, run: 0 });
    let target: FollowTarget | null = null;
    let v: Viewport | null = null;
    const widths = new Set<number>();
    const pixels = new Set<number>();
    for (let frame = 0; frame < 300; frame++) {
      // The last 1,000 tasks reach back now more, now less.
      target = followTarget(at(20e6 + frame * 16_666.7, (frame % 7) * 3e4), target);
      v = followStep(v, target, 16.7, true);
      expect(v.since).toBeLessThanOrEqual(20e6 + frame * 16_666.7 - 1.5e6);
      if (frame > 60) widths.add(span(v));
      if (frame > 60) pixels.add(scaleOf(v, 1_000).perPixel);
    }
    expect([widths.size, pixels.size]).toEqual([1, 1]);
    // Far fewer, or far more, are another matter.
    const wide = span(target!);
    expect(span(followTarget(at(30e6, 9e6), target))).toBeGreaterThan(2 * wide);
    expect(span(followTarget(at(30e6, -1.4e6), target))).toBeLessThan(wide);
    // While the run still reaches into view it grows from its start.
    expect(followTarget({ ...at(1.6e6, 0), start: 1e5 }, null)).toMatchObject({ goes: 'grows' });
  });
});
