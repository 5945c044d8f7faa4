import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SharesBatch, WindowQuery } from '../../../model/batch.ts';
import { WindowData } from '../../../store/detail/window-data.ts';
import { binsOf, widenedOf, widerBy } from './coarser.ts';

const LEVEL = 14;

interface Entry {
  readonly bin: number;
  readonly category: number;
  readonly busy: number;
}

function windowOf(entries: readonly Entry[], firstBin: number): WindowData {
  const query: WindowQuery = { since: 0, until: 1, level: LEVEL, functions: null, maxSlices: 0 };
  const batch: SharesBatch = {
    mode: 'shares',
    seq: 1,
    now: 1,
    query,
    reset: true,
    level: LEVEL,
    firstBin,
    track: Uint32Array.of(5),
    from: Uint32Array.of(0),
    offset: Uint32Array.of(0, entries.length),
    bin: Uint16Array.from(entries, ({ bin }) => bin),
    category: Uint16Array.from(entries, ({ category }) => category),
    busy: Uint32Array.from(entries, ({ busy }) => busy),
  };
  const data = new WindowData();
  data.apply(batch);
  return data;
}

/** By absolute bin of the wider grid and category. */
function sums(entries: readonly Entry[], firstBin: number, by: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const { bin, category, busy } of entries) {
    const key = `${Math.floor((firstBin + bin) / 2 ** by)}/${category}`;
    found.set(key, (found.get(key) ?? 0) + busy);
  }
  return found;
}

const entries = fc
  .uniqueArray(
    fc.record({
      bin: fc.integer({ min: 0, max: 60 }),
      category: fc.integer({ min: 0, max: 9 }),
      busy: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    }),
    { maxLength: 150, selector: ({ bin, category }) => bin * 10 + category },
  )
  .map((some) => some.sort((a, b) => a.bin - b.bin || a.category - b.category));

it('keeps every sum, in order, however wide its bins and whatever was made before', () => {
  fc.assert(
    fc.property(
      entries,
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 7 })),
      (all, first, steps) => {
        const data = windowOf(all, first);
        for (const by of steps) {
          const made = widenedOf(data, 5, by)!;
          const place = Array.from({ length: made.length }, (_, i) => made.bin[i]! * 2 ** 16 + made.category[i]!);
          expect(place).toEqual([...new Set(place)].sort((a, b) => a - b));
          const grid = binsOf(data, by);
          expect(grid.width).toBe(2 ** (LEVEL + by));
          const read = Array.from({ length: made.length }, (_, i) => ({
            bin: made.bin[i]!,
            category: made.category[i]!,
            busy: made.busy[i]!,
          }));
          expect(sums(read, grid.first, 0)).toEqual(sums(all, first, by));
        }
      },
    ),
  );
});

it('makes them once, and none where they are wide enough', () => {
  const data = windowOf([{ bin: 3, category: 2, busy: 7 }], 8);
  expect(widenedOf(data, 5, 0)).toBe(data.sharesOf(5));
  expect(widenedOf(data, 5, 2)).toBe(widenedOf(data, 5, 2));
  expect(widenedOf(data, 6, 2)).toBeUndefined();
  expect([0, LEVEL, LEVEL + 3].map((least) => widerBy(data, 5, least))).toEqual([0, 0, 3]);
  expect(widerBy(new WindowData(), 5, 20)).toBe(0);
});
