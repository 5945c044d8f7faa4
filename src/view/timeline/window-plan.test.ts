import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelFor, type WindowQuery } from '../../model/batch.ts';
import { LatestQuery, type Looking, planOverview, planWindow } from './window-plan.ts';

const NOW = 1_790_000_000_000_000;
const looking = (over: Partial<Looking> = {}): Looking => ({
  since: NOW - 60e6,
  until: NOW - 50e6,
  perPixel: 1e4,
  now: NOW,
  functions: null,
  ...over,
});

describe('planWindow', () => {
  it('always covers what is looked at, at the level of a pixel, and is content with its own answer', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e10, noNaN: true }),
        fc.double({ min: 10, max: 1e9, noNaN: true }),
        fc.integer({ min: 100, max: 4_000 }),
        (ago, wide, pixels) => {
          const since = NOW - ago;
          const view = looking({ since, until: since + wide, perPixel: wide / pixels });
          const query = planWindow(null, view);
          expect(query.level).toBe(levelFor(view.perPixel));
          expect(query.since).toBeLessThanOrEqual(since);
          expect(query.until ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(view.until);
          expect(query.since % 2 ** query.level).toBe(0);
          expect(planWindow(query, view)).toBe(query);
        },
      ),
    );
  });

  it('is open-ended where it reaches the present', () => {
    expect(planWindow(null, looking()).until).not.toBeNull();
    expect(planWindow(null, looking({ until: NOW - 1e6, since: NOW - 11e6 })).until).toBeNull();
  });

  it('stays for small pans and moves before a view leaves what it holds', () => {
    const query = planWindow(null, looking());
    const panned = (by: number) => looking({ since: NOW - 60e6 + by, until: NOW - 50e6 + by });
    expect(planWindow(query, panned(3e6))).toBe(query);
    expect(planWindow(query, panned(-3e6))).toBe(query);
    for (const by of [6e6, -6e6]) {
      const moved = planWindow(query, panned(by));
      expect(moved).not.toBe(query);
      expect(moved.since).toBeLessThan(panned(by).since);
    }
  });

  it('asks anew for another level, other functions, or when following has left a long tail', () => {
    const query = planWindow(null, looking());
    expect(planWindow(query, looking({ perPixel: 2e4 }))).not.toBe(query);
    expect(planWindow(query, looking({ functions: [3] })).functions).toEqual([3]);
    const open = planWindow(null, looking({ since: NOW - 10e6, until: NOW }));
    const later = (s: number) => looking({ since: NOW - 10e6 + s * 1e6, until: NOW + s * 1e6, now: NOW + s * 1e6 });
    expect(planWindow(open, later(15))).toBe(open);
    expect(planWindow(open, later(40)).since).toBeGreaterThan(open.since);
  });
});

describe('planOverview', () => {
  const history = { start: NOW - 100e6, stop: NOW, columns: 500, functions: null };

  it('holds all of history from its beginning, and asks again only when that has doubled', () => {
    const query = planOverview(null, history)!;
    expect(query).toMatchObject({ until: null, maxSlices: 0 });
    expect(query.since).toBeLessThanOrEqual(history.start);
    expect(planOverview(query, { ...history, stop: NOW + 10e6 })).toBe(query);
    expect(planOverview(query, { ...history, stop: NOW + 300e6 })!.level).toBeGreaterThan(query.level);
    expect(planOverview(query, { ...history, start: NOW - 900e6 })!.since).toBeLessThan(query.since);
    expect(planOverview(null, { ...history, start: null })).toBeNull();
  });
});

describe('LatestQuery', () => {
  const query = (since: number): WindowQuery => ({ since, until: null, level: 10, functions: null, maxSlices: 10 });

  it('has one question in flight; the latest of those that wait goes next', () => {
    const asked: number[] = [];
    const latest = new LatestQuery((q) => asked.push(q.since), 400);
    latest.want(query(1), 0);
    latest.want(query(2), 10);
    latest.want(query(3), 20);
    expect(asked).toEqual([1]);
    expect(latest.wanted?.since).toBe(3);
    latest.answered(query(1), 30);
    expect(asked).toEqual([1, 3]);
    latest.answered(query(1), 35);
    expect(latest.waiting).toBe(true);
    latest.answered(query(3), 40);
    expect(latest.waiting).toBe(false);
    expect(latest.wanted).toBeNull();
  });

  it('does not wait for ever', () => {
    const asked: number[] = [];
    const latest = new LatestQuery((q) => asked.push(q.since), 400);
    latest.want(query(1), 0);
    latest.want(query(2), 100);
    latest.tick(399);
    expect(asked).toEqual([1]);
    latest.tick(400);
    expect(asked).toEqual([1, 2]);
  });
});
