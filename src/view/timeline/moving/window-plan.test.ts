import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type GroupQuery, levelFor, type WindowQuery } from '../../../model/batch.ts';
import { gridOver } from '../../../store/detail/shares.ts';
import {
  ALL_TRACKS,
  LatestQuery,
  type Looking,
  type Moves,
  planOverview,
  planWindow,
  type RowsWanted,
  sameQuery,
} from './window-plan.ts';

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
  it('asks anew when the filter changes, and not for the same one made again', () => {
    const filter = { status: 'erred', text: 'a' } as const;
    const query = planWindow(null, looking({ filter }));
    expect(query.filter).toEqual(filter);
    expect(planWindow(query, looking({ filter: { ...filter } }))).toBe(query);
    expect(planWindow(query, looking({ filter: { status: 'erred' } }))).not.toBe(query);
    expect(planWindow(query, looking()).filter).toBeUndefined();
  });

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

describe('the rows of a window', () => {
  const wanted = (from: number, to: number): RowsWanted => {
    const range = (a: number, b: number) => Array.from({ length: b - a }, (_, i) => a + i);
    return { tracks: { shown: range(from, to), ask: () => range(Math.max(0, from - 20), to + 20) } };
  };

  it('are asked for with some beyond the screen, and again when what is shown is not among them', () => {
    const query = planWindow(null, looking(), wanted(100, 150));
    expect(query.tracks).toHaveLength(90);
    expect(planWindow(query, looking(), wanted(110, 165))).toBe(query);
    const moved = planWindow(query, looking(), wanted(130, 180));
    expect(moved.tracks).toContain(179);
    expect(sameQuery(moved, query)).toBe(false);
    expect(planWindow(query, looking(), ALL_TRACKS)).not.toHaveProperty('tracks');
    expect(planWindow(planWindow(null, looking()), looking(), wanted(3, 4))).not.toHaveProperty('tracks');
  });

  it('are folded groups in a window of their own, asked for again when a group has other tracks', () => {
    const group = (row: number, to: number) => ({ row: FIRST_GROUP + row, ranges: [0, to] });
    const rows = (...of: GroupQuery[]): RowsWanted => ({ tracks: null, groups: { shown: of, ask: () => of } });
    const query = planWindow(null, looking(), rows(group(1, 8), group(2, 9)));
    expect(query).toMatchObject({ tracks: [], groups: [group(1, 8), group(2, 9)], maxSlices: 16_000 });
    expect(planWindow(query, looking(), rows(group(2, 9)))).toBe(query);
    expect(planWindow(query, looking(), rows(group(2, 10)))).not.toBe(query);
    expect(sameQuery(query, { ...query, groups: [group(1, 8), group(2, 10)] })).toBe(false);
  });
});

describe('a view of many rows that moves', () => {
  const shown = Array.from({ length: 60 }, (_, track) => track);
  const rows: RowsWanted = { tracks: { shown, ask: () => shown } };

  const zoomed = (factor: number, moving: Moves) =>
    looking({ since: NOW - 55e6 - 5e6 * factor, until: NOW - 55e6 + 5e6 * factor, perPixel: 1e4 * factor, moving });

  it('is content with what it has, then with coarser bins, and gets the exact ones at rest', () => {
    const query = planWindow(null, looking(), rows);
    expect(planWindow(query, zoomed(0.25, 'zooms'), rows)).toBe(query);
    const coarse = planWindow(query, zoomed(0.01, 'zooms'), rows);
    expect(coarse.level).toBe(levelFor(100) + 3);
    expect(planWindow(coarse, zoomed(0.01, 'zooms'), rows)).toBe(coarse);
    const few = shown.slice(0, 30);
    const fewer: RowsWanted = { tracks: { shown: few, ask: () => few } };
    expect(planWindow(coarse, zoomed(0.01, 'pans'), fewer).level).toBe(levelFor(100) + 2);
    expect(planWindow(coarse, zoomed(0.01, 'no'), rows).level).toBe(levelFor(100));
    // Its bins are as wide as those of a picture at rest, but whoever answered was in a hurry.
    expect(coarse.quick).toBe(true);
    const wider = { ...zoomed(0.01, 'no'), perPixel: 800 };
    expect(planWindow(coarse, wider, rows)).toMatchObject({ level: coarse.level });
    expect(planWindow(coarse, wider, rows)).not.toHaveProperty('quick');
    // Few rows are exact at once.
    expect(planWindow(query, zoomed(0.01, 'zooms')).level).toBe(levelFor(100));
  });

  it('asks for the rows on screen alone while it moves, and for those beside them at rest', () => {
    const more: RowsWanted = { tracks: { shown, ask: () => [...shown, 60, 61] } };
    expect(planWindow(null, zoomed(1, 'zooms'), more).tracks).toEqual(shown);
    expect(planWindow(null, zoomed(1, 'no'), more).tracks).toHaveLength(62);
  });

  it('asks for no more bins than an answer of some hundred kilobytes has', () => {
    for (const moving of ['pans', 'zooms', 'opens'] as const) {
      for (const pixels of [500, 1_500, 4_000]) {
        for (const count of [30, 90, 300]) {
          const many = Array.from({ length: count }, (_, track) => track);
          const view = looking({ perPixel: 10e6 / pixels, moving });
          const of: RowsWanted = { tracks: { shown: many, ask: () => many } };
          const query = planWindow(null, view, of);
          expect(((query.until! - query.since) / 2 ** query.level - 2) * count).toBeLessThanOrEqual(24_576);
          expect(planWindow(query, view, of)).toBe(query);
        }
      }
    }
  });

  it('begins with little more than the first picture shows, and is content with it until that is drawn', () => {
    const first = planWindow(null, zoomed(1, 'opens'), rows);
    expect(first.level).toBe(levelFor(1e4) + 3);
    expect(first.until! - first.since).toBeLessThan(10e6 * 1.1);
    // The page turns out to be a little wider than it was taken to be.
    expect(planWindow(first, { ...zoomed(1, 'opens'), perPixel: 0.8e4 }, rows)).toBe(first);
    expect(planWindow(first, zoomed(1, 'no'), rows).level).toBe(levelFor(1e4));
  });

  it('needs no other level where it has single slices', () => {
    const query = planWindow(null, looking(), rows);
    for (const moving of ['no', 'zooms'] as const) {
      expect(planWindow(query, { ...zoomed(0.01, moving), slices: true }, rows)).toBe(query);
    }
    expect(planWindow(query, { ...zoomed(10, 'no'), slices: true }, rows)).not.toBe(query);
  });
});

describe('planOverview', () => {
  const history = { start: NOW - 100e6, stop: NOW, columns: 500, functions: null, sum: null };

  it('holds all of history from its beginning, and asks again only when that has doubled', () => {
    const query = planOverview(null, history)!;
    expect(query).toMatchObject({ until: null, maxSlices: 0 });
    expect(query.since).toBeLessThanOrEqual(history.start);
    expect(planOverview(query, { ...history, stop: NOW + 10e6 })).toBe(query);
    expect(planOverview(query, { ...history, stop: NOW + 300e6 })!.level).toBeGreaterThan(query.level);
    expect(planOverview(query, { ...history, start: NOW - 900e6 })!.since).toBeLessThan(query.since);
    expect(planOverview(null, { ...history, start: null })).toBeNull();
  });

  it.each([30, 400, 4_000])('holds a history of %i days in about as many bins as there are columns', (days) => {
    for (const columns of [320, 1_440]) {
      const start = NOW - days * 86_400e6;
      const { since, level } = planOverview(null, { ...history, start, columns })!;
      const grid = gridOver(since, NOW, level);
      expect(grid.level).toBe(level);
      expect(grid.count).toBeGreaterThanOrEqual(columns);
      expect(grid.count).toBeLessThanOrEqual(2 * columns + 2);
      expect((grid.firstBin + grid.count) * 2 ** level).toBeGreaterThanOrEqual(NOW);
    }
  });

  it('is the sum of all tracks alone where there are many, anew when there are more', () => {
    const sum = (tracks: number) => ({ row: FIRST_GROUP, ranges: [0, tracks] });
    const query = planOverview(null, { ...history, sum: sum(5_000) })!;
    expect(query).toMatchObject({ tracks: [], groups: [{ row: FIRST_GROUP, ranges: [0, 5_000] }] });
    expect(planOverview(query, { ...history, sum: sum(5_000) })).toBe(query);
    expect(planOverview(query, { ...history, sum: sum(5_001) })).not.toBe(query);
    expect(planOverview(query, history)).not.toHaveProperty('groups');
  });
});

describe('LatestQuery', () => {
  it('waits for an answer to what somebody else has asked', () => {
    const query = (since: number): WindowQuery => ({ ...planWindow(null, looking()), since });
    const asked: number[] = [];
    const latest = new LatestQuery((q) => asked.push(q.since), 400);
    latest.adopt(query(1), 0);
    expect(latest.wanted?.since).toBe(1);
    latest.want(query(2), 10);
    expect(asked).toEqual([]);
    latest.answered(query(1), 20);
    expect(asked).toEqual([2]);
  });

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

  it('does not wait for the exact answer when somebody moves the view, which asks for a coarser one', () => {
    const asked: string[] = [];
    const latest = new LatestQuery((q) => asked.push(`${q.since}${q.quick === true ? ' quick' : ''}`), 400);
    latest.want(query(1), 0);
    latest.want({ ...query(2), quick: true }, 10);
    expect(asked).toEqual(['1', '2 quick']);
    latest.answered(query(1), 15);
    expect(latest.waiting).toBe(true);
    latest.want({ ...query(3), quick: true }, 20);
    latest.answered({ ...query(2), quick: true }, 30);
    expect(asked).toEqual(['1', '2 quick', '3 quick']);
    const many = { tracks: { shown: Array.from({ length: 60 }, (_, i) => i), ask: () => [] } };
    const exact = planWindow(null, looking(), { tracks: { ...many.tracks, ask: () => many.tracks.shown } });
    expect(planWindow(exact, looking({ moving: 'pans' }), many)).toBe(exact);
    expect(planWindow(exact, looking({ moving: 'pans', waiting: true }), many).quick).toBe(true);
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
