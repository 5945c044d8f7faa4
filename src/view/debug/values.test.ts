import { describe, expect, it } from 'vitest';
import type { DebugUnit, DebugValue } from '../../model/debug.ts';
import { firstLine, formatValue, nextSorting, sortRows } from './values.ts';

const NOW = 1_790_000_000;

describe('a value', () => {
  it.each<[DebugValue, DebugUnit, string]>([
    [12_304, 'count', '12,304'],
    [2.5, 'count', '2.5'],
    [0, 'count', '0'],
    [1_572_864, 'bytes', '1.5 MiB'],
    [2_048, 'bytes/s', '2 KiB/s'],
    [0.0042, 'seconds', '4.2 ms'],
    [0.5, 'share', '50 %'],
    [250, 'percent', '250 %'],
    [0.031, 'rate', '0.03/s'],
    [null, 'bytes', '–'],
    [null, 'text', '–'],
    [true, 'text', 'yes'],
    [false, 'count', 'no'],
    ['<b>', 'text', '<b>'],
    ['n/a', 'bytes', 'n/a'],
    [7, 'text', '7'],
    ['\u200b', 'key', '(blank)'],
    [-1, 'time', '–'],
    [1e300, 'time', '–'],
  ])('%j as %s is %s', (value, unit, text) => expect(formatValue(value, unit, NOW)).toBe(text));

  it('of time has its date only on another day', () => {
    expect(formatValue(NOW - 60.25, 'time', NOW)).toMatch(/^\d\d:\d\d:\d\d\.750$/);
    expect(formatValue(NOW - 86_400 * 40, 'time', NOW)).toMatch(/^\d+ \w{3} 2026, \d\d:\d\d:\d\d$/);
  });

  it.each([
    ['one', 'one'],
    ['one\ntwo', 'one …'],
    ['\n  one \n', 'one'],
    ['', ''],
  ])('%j in a row is %j', (text, line) => expect(firstLine(text)).toBe(line));
});

describe('rows', () => {
  const rows = [
    ['b', 2],
    ['a', null],
    ['b10', 10],
    ['b9', 2],
  ] as const;
  const order = (column: number, descending: boolean) => sortRows(rows, { column, descending }).map(([name]) => name);

  it('stand in the wanted order, unknown last, equals as they came', () => {
    expect(order(0, false)).toEqual(['a', 'b', 'b9', 'b10']);
    expect(order(1, false)).toEqual(['b', 'b9', 'b10', 'a']);
    expect(order(1, true)).toEqual(['b10', 'b', 'b9', 'a']);
    expect(sortRows(rows, null)).toBe(rows);
  });

  it('are sorted one way, the other way, and not at all', () => {
    const first = nextSorting(null, 1, 'bytes');
    expect(first).toEqual({ column: 1, descending: true });
    const second = nextSorting(first, 1, 'bytes');
    expect(second).toEqual({ column: 1, descending: false });
    expect(nextSorting(second, 1, 'bytes')).toBeNull();
    expect(nextSorting(first, 0, 'text')).toEqual({ column: 0, descending: false });
  });
});
