import { describe, expect, it } from 'vitest';
import { PROGRESS_ROW, planProgress } from './progress-plan.ts';

const HEIGHT = PROGRESS_ROW * 8;

describe('bars shrink horizontally to make room for more functions', () => {
  it.each([
    [0, { columns: 1, shown: 0 }],
    [4, { columns: 1, shown: 4 }],
    [8, { columns: 1, shown: 8 }],
    [9, { columns: 2, shown: 9 }],
    [17, { columns: 3, shown: 17 }],
    [40, { columns: 5, shown: 40 }],
    // 41 do not fit any more: seven rows of five, and a line that counts six.
    [41, { columns: 5, shown: 35 }],
    [10_000, { columns: 5, shown: 35 }],
  ])('%d functions in 1200 px', (functions, expected) => {
    expect(planProgress(1200, HEIGHT, functions)).toEqual(expected);
  });

  it('shows one at least, however small the panel', () => {
    expect(planProgress(10, 0, 3)).toEqual({ columns: 1, shown: 1 });
  });

  it('has one column of twelve on a phone', () => {
    expect(planProgress(360, null, 50)).toEqual({ columns: 1, shown: 12 });
  });
});
