import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowOf, rowsWithin } from '../timeline/drawing/layout.ts';
import { layoutOf, trackOf } from './rows.fixture.ts';
import { NOT_STICKY, seenLayout, stickyGroups } from './sticky-rows.ts';

/** Workers w0, w1, … of `threads` threads each on two hosts; of some the rows are pinned. */
function stackOf(workers: number, threads: number, pinned: readonly number[], height = 300) {
  const tracks = Array.from({ length: workers * threads }, (_, i) => {
    const worker = Math.floor(i / threads);
    return trackOf(i, worker < workers / 2 ? 'a' : 'b', `w${worker}`, i % threads);
  });
  const keys = pinned.map((worker) => {
    const { host, name, address } = tracks[worker * threads]!;
    return `w ${host} ${name} ${address}`;
  });
  return layoutOf(tracks, { height, ratio: 1, options: { pinned: keys } });
}

describe('pinned rows', () => {
  it('stay at the top while the others scroll under them, cut at the edge', () => {
    const stack = stackOf(40, 1, [17, 3]);
    const sticky = stickyGroups(stack, 300, 1);
    expect(sticky.groups).toBe(2);
    expect(seenLayout(stack, sticky, 0)).toBe(stack);
    const seen = seenLayout(stack, sticky, 100);
    const first = seen.rows.slice(0, 2);
    expect(first.map(({ y }) => y - 100)).toEqual(stack.rows.slice(0, 2).map(({ y }) => y));
    expect(first.map(({ group }) => seen.groups[group]?.label)).toEqual(['w3', 'w17']);
    const below = seen.rows[2]!;
    expect(below.y).toBeGreaterThanOrEqual(100 + sticky.height);
    // What hides under them is not there.
    expect(rowOf(seen, stack.rows[2]!.track)).toBeUndefined();
    expect(rowOf(seen, below.track)).toBe(below);
    expect(seen.groups[below.group]?.label).toBe(`w${below.track}`);
  });

  it('do not stay where everything is pinned, nothing is, or they would fill half of the plot', () => {
    expect(stickyGroups(stackOf(40, 1, []), 300, 1)).toEqual(NOT_STICKY);
    expect(stickyGroups(stackOf(3, 1, [0, 1, 2]), 300, 1)).toEqual(NOT_STICKY);
    const many = Array.from({ length: 30 }, (_, i) => i);
    const stack = stackOf(40, 1, many);
    const { groups, height } = stickyGroups(stack, 300, 1);
    expect(groups).toBeGreaterThan(5);
    expect(groups).toBeLessThan(15);
    expect(height).toBeLessThanOrEqual(155);
  });

  it('leave every other row where it is, and no two rows overlap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (workers, threads, pinned, place) => {
          const stack = stackOf(workers, threads, pinned);
          const sticky = stickyGroups(stack, 300, 1);
          const scroll = Math.round(place * Math.max(0, stack.height - 300));
          const seen = seenLayout(stack, sticky, scroll);
          let below = Number.NEGATIVE_INFINITY;
          for (const [i, row] of seen.rows.entries()) {
            expect(row.y).toBeGreaterThanOrEqual(below);
            below = row.y + row.height;
            expect(row.height).toBeGreaterThan(0);
            expect(seen.places.get(row.track)).toBe(i);
            const group = seen.groups[row.group]!;
            expect(row.y).toBeGreaterThanOrEqual(group.y);
            expect(below).toBeLessThanOrEqual(group.y + group.height);
            const before = rowOf(stack, row.track)!;
            expect(stack.groups[before.group]!.key).toBe(group.key);
            // The number of a thread is that of its row in its group.
            expect(i - group.first).toBe(stack.rows.indexOf(before) - stack.groups[before.group]!.first);
            if (!group.pinned || sticky.groups === 0) expect(below).toBe(before.y + before.height);
          }
          const [from, to] = rowsWithin(stack, scroll + sticky.height, scroll + 300);
          for (const row of stack.rows.slice(from, to)) expect(rowOf(seen, row.track)).toBeDefined();
        },
      ),
    );
  });
});
