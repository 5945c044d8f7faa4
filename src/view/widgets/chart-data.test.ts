import { expect, it } from 'vitest';
import { withGaps } from './chart-data.ts';

it('breaks lines where nobody reported for a while, and nowhere else', () => {
  expect(withGaps([[], []])).toEqual([[], []]);
  expect(
    withGaps([
      [1, 2, 3],
      [5, 6, 7],
    ]),
  ).toEqual([
    [1, 2, 3],
    [5, 6, 7],
  ]);
  expect(
    withGaps([
      [1, 2, 22, 23, 43],
      [5, 6, 7, 8, 9],
    ]),
  ).toEqual([
    [1, 2, 12, 22, 23, 33, 43],
    [5, 6, null, 7, 8, null, 9],
  ]);
});
