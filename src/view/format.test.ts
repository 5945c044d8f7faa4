import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatBytesOf,
  formatClock,
  formatCount,
  formatDuration,
  formatName,
  formatPercent,
  formatPerSecond,
  formatRate,
  formatShort,
  plural,
} from './format.ts';

describe('numbers', () => {
  it.each([
    [formatCount(0), '0'],
    [formatCount(12304), '12,304'],
    [formatCount(Number.NaN), '–'],
    [plural(1, 'worker'), '1 worker'],
    [plural(0, 'worker'), '0 workers'],
    [formatShort(9.999), '10'],
    [formatShort(1.5), '1.5'],
    [formatShort(99.96), '100'],
    [formatShort(40), '40'],
    [formatPercent(71.4), '71 %'],
    [formatPercent(0.31), '0.3 %'],
    [formatPercent(0.001), '< 0.1 %'],
    [formatPercent(0), '0 %'],
    [formatPerSecond(612.3), '612/s'],
    [formatPerSecond(0.42), '0.4/s'],
    [formatPerSecond(0), '0/s'],
  ])('%s is %s', (shown, expected) => expect(shown).toBe(expected));
});

describe('bytes are counted in 1024s', () => {
  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1024 * 1023.6, '1 MiB'],
    [44_238_000_000, '41.2 GiB'],
    [2 ** 60 * 5000, '5,000 EiB'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d', (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));

  it('puts two sizes into one unit', () => {
    expect(formatBytesOf(41.2 * 2 ** 30, 128 * 2 ** 30)).toEqual(['41.2', '128 GiB']);
    expect(formatBytesOf(0, 2 ** 30)).toEqual(['0', '1 GiB']);
  });

  it('rates', () => expect(formatRate(312 * 2 ** 20)).toBe('312 MiB/s'));
});

describe('names', () => {
  it('are never invisible', () => {
    expect(['inc', '🦄', '', ' ', '\u202e\t'].map(formatName)).toEqual(['inc', '🦄', '(blank)', '(blank)', '(blank)']);
  });
});

describe('durations', () => {
  it.each([
    [0, '0 s'],
    [0.0000024, '2.4 µs'],
    [0.184, '184 ms'],
    [0.9999, '1 s'],
    [12.34, '12.3 s'],
    [99.96, '1 min 40 s'],
    [125, '2 min 5 s'],
    [7200, '2 h'],
    [90_000, '1 d 1 h'],
    [Number.NaN, '–'],
  ])('%d s', (seconds, expected) => expect(formatDuration(seconds)).toBe(expected));
});

describe('times of day', () => {
  it('are local and cut, not rounded', () => {
    const at = new Date(2026, 10, 22, 12, 41, 9).getTime() / 1000;
    expect(formatClock(at)).toBe('12:41:09');
    expect(formatClock(at + 0.3129999, 3)).toBe('12:41:09.313');
    expect(formatClock(at + 0.312345, 3)).toBe('12:41:09.312');
    expect(formatClock(at + 0.312345, 6)).toBe('12:41:09.312345');
    expect(formatClock(0)).toBe('–');
  });
});
