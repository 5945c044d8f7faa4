import { expect, it } from 'vitest';
import { hasLone, roundUp, seriesTable } from './series-numbers.ts';

it.each([
  [0, 'count', 1],
  [3, 'count', 4],
  [0.034, 'seconds', 0.04],
  [12, 'rate', 20],
  [100, 'rate', 100],
  [71, 'percent', 100],
  [171, 'percent', 200],
  [0.3, 'share', 1],
  [1.5, 'share', 2],
  [5_000, 'bytes', 8_192],
  [0, 'bytes/s', 1_024],
] as const)('the axis of %d %s ends at %d', (value, unit, top) => expect(roundUp(value, unit)).toBeCloseTo(top, 9));

it('a value alone is a dot', () => {
  expect(hasLone([null, 1, null])).toBe(true);
  expect(hasLone([1])).toBe(true);
  expect(hasLone([1, 2, null, 3, 4])).toBe(false);
  expect(hasLone([])).toBe(false);
});

it('as a table the newest comes first', () => {
  const lines = [{ name: 'a', values: [null, 2] }];
  const table = seriesTable({ title: 'T', unit: 'bytes', times: [1, 2], lines });
  expect(table.columns.map(({ unit }) => unit)).toEqual(['time', 'bytes']);
  expect(table.rows).toEqual([
    [2, 2],
    [1, null],
  ]);
});
