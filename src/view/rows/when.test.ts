import { describe, expect, it } from 'vitest';
import { parseWhen } from './when.ts';

const at = new Date(2026, 3, 5, 9, 30).getTime() / 1000;
const context = { at, runStart: 1_790_000_000 };
const local = (...parts: [number, number, number, number?, number?, number?]): number =>
  new Date(...parts).getTime() / 1000;

describe('parseWhen', () => {
  it.each([
    ['14:03', local(2026, 3, 5, 14, 3)],
    [' 7:03:07.5 ', local(2026, 3, 5, 7, 3, 7) + 0.5],
    ['2026-04-02', local(2026, 3, 2)],
    ['2026-04-02 08:15', local(2026, 3, 2, 8, 15)],
    ['2026-04-02T08:15:00Z', Date.UTC(2026, 3, 2, 8, 15) / 1000],
    ['+1:30', 1_790_000_090],
    ['+1:02:03.5', 1_790_003_723.5],
    ['+90', 1_790_000_090],
    ['+1h 5m 2s', 1_790_003_902],
    ['+250ms', 1_790_000_000.25],
    ['1790000012.5', 1_790_000_012.5],
    ['1790000012500', 1_790_000_012.5],
    ['1790000012500000', 1_790_000_012.5],
  ])('reads %s', (text, time) => {
    expect(parseWhen(text, context)).toBeCloseTo(time, 6);
  });

  it.each(['', 'soon', '25:00', '12:61', '+', '+x', '2026-13-45', '12', '1:2:3:4'])('does not guess at %j', (text) => {
    expect(parseWhen(text, context)).toBeNull();
  });

  it('knows no elapsed time without a run', () => {
    expect(parseWhen('+5s', { ...context, runStart: null })).toBeNull();
  });
});
