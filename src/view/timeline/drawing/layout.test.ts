import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, trackOf as track } from '../../rows/rows.fixture.ts';
import { groupsWithin, rowAt, rowOf, rowsWithin } from './layout.ts';

const everything = { height: 400, ratio: 1, shows: () => true };

describe('layoutRows', () => {
  it('groups by host, sorts workers as people do, then slots', () => {
    const tracks = [
      track(0, 'b', 'w1', 0),
      track(1, 'a', 'w10', 1),
      track(2, 'a', 'w10', 0),
      track(3, 'a', 'w2', 0),
      undefined,
      track(5, 'b', 'w1', 1),
    ];
    const layout = layoutOf(tracks, everything);
    expect(layout.rows.map((r) => r.track)).toEqual([3, 2, 1, 0, 5]);
    expect(layout.groups.map((g) => [g.band, g.label])).toEqual([
      ['a', 'w2'],
      [null, 'w10'],
      ['b', 'w1'],
    ]);
  });

  it('never overlaps rows, fills what there is, or overflows at the least height', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 20 })), {
          minLength: 1,
          maxLength: 120,
        }),
        fc.integer({ min: 40, max: 2_000 }),
        fc.constantFrom(1, 1.5, 2),
        (workers, height, ratio) => {
          const tracks = workers.map(([host, worker], i) => track(i, `h${host}`, `w${worker}`, i));
          const { rows, groups, height: total, rowHeight } = layoutOf(tracks, { ...everything, height, ratio });
          expect(rows).toHaveLength(tracks.length);
          for (const [i, row] of rows.entries()) {
            expect(Number.isInteger(row.y)).toBe(true);
            expect(row.height).toBe(rowHeight);
            if (i > 0) expect(row.y).toBeGreaterThan(rows[i - 1]!.y + rows[i - 1]!.height - 1 + 1 - 1e-9);
            const group = groups[row.group]!;
            expect(row.y).toBeGreaterThanOrEqual(group.y);
            expect(row.y + row.height).toBeLessThanOrEqual(group.y + group.height);
          }
          expect(total).toBe(rows.at(-1)!.y + rowHeight);
          expect(rowHeight).toBeGreaterThanOrEqual(Math.floor(5 * ratio));
          if (rowHeight > Math.ceil(13 * ratio)) expect(total).toBeLessThanOrEqual(height);
        },
      ),
    );
  });

  it('keeps the rows of a lost worker while it has something in view', () => {
    const tracks = [track(0, 'a', 'w1', 0), track(1, 'a', 'w2', 0, false)];
    expect(layoutOf(tracks, everything).rows).toHaveLength(2);
    expect(layoutOf(tracks, everything).groups[1]!.alive).toBe(false);
    expect(layoutOf(tracks, { ...everything, shows: () => false }).rows.map((r) => r.track)).toEqual([0]);
  });

  it('finds rows by height, and none between them', () => {
    const layout = layoutOf([track(0, 'a', 'w1', 0), track(1, 'a', 'w1', 1), track(2, 'a', 'w2', 0)], everything);
    for (const row of layout.rows) {
      expect(rowAt(layout, row.y)).toBe(row);
      expect(rowAt(layout, row.y + row.height - 1)).toBe(row);
      expect(rowAt(layout, row.y + row.height)).toBeNull();
    }
    const second = layout.rows[1]!;
    expect(rowsWithin(layout, second.y, second.y + 1)).toEqual([1, 2]);
    expect(rowsWithin(layout, 0, 1e6)).toEqual([0, 3]);
    expect(rowsWithin(layout, 1e6, 2e6)).toEqual([3, 3]);
    expect(groupsWithin(layout, second.y, second.y + 1)).toEqual([0, 1]);
    expect(rowOf(layout, 1)).toBe(second);
    expect(rowOf(layout, 9)).toBeUndefined();
  });

  it('is empty without tracks', () => {
    expect(layoutOf([], everything)).toMatchObject({ rows: [], groups: [], height: 0 });
  });
});
