/**
 * How numbers look. Fixed locale words (the page is English) but the reader's own time zone. Everything is made for
 * tabular figures: few digits, a thin range of widths, nothing that jumps.
 */

/** What stands where a number is not known. */
export const UNKNOWN = '–';

/** A function's name as people see it. Keys can be anything, also nothing that can be seen. */
export function formatName(name: string): string {
  // Nearly all names pass the first test; to make the second one takes milliseconds.
  return /[!-~]/.test(name) || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(name) ? name : '(blank)';
}

/** `12304` → `12,304`. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? grouped(value) : UNKNOWN;
}

/** A whole number in groups of three digits. The browser's own formats cost more than the first picture to make. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 worker`, `8 workers`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** Three significant digits, without an exponent and without a trailing `.0`. */
export function formatShort(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 99.95) return grouped(value);
  const text = value.toFixed(size >= 9.995 ? 1 : 2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Index into the units of bytes, by powers of 1024. */
function byteUnit(bytes: number): number {
  let unit = 0;
  // 1023.5 KiB would be written as 1,024 KiB.
  for (let size = Math.abs(bytes); size >= 1023.5 && unit < BYTE_UNITS.length - 1; size /= 1024) unit++;
  return unit;
}

/** `44238000000` → `41.2 GiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return UNKNOWN;
  const unit = byteUnit(bytes);
  return `${formatBytesIn(bytes, unit)} ${BYTE_UNITS[unit]}`;
}

function formatBytesIn(bytes: number, unit: number): string {
  const value = bytes / 1024 ** unit;
  return unit === 0 ? formatCount(Math.round(value)) : formatShort(value);
}

/** Two sizes with one unit, the larger one's: `['41.2', '128 GiB']`. */
export function formatBytesOf(part: number, whole: number): [part: string, whole: string] {
  if (!Number.isFinite(part) || !Number.isFinite(whole)) return [formatBytes(part), formatBytes(whole)];
  const unit = byteUnit(Math.max(part, whole));
  return [formatBytesIn(part, unit), `${formatBytesIn(whole, unit)} ${BYTE_UNITS[unit]}`];
}

/** `312.4 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return Number.isFinite(bytesPerSecond) ? `${formatBytes(bytesPerSecond)}/s` : UNKNOWN;
}

/** Tasks per second: `612/s`, `0.4/s`. */
export function formatPerSecond(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  return `${value >= 9.95 || value === 0 ? grouped(value) : value.toFixed(1)}/s`;
}

/** `0.184` → `184 ms`; minutes and hours from 100 s on: `2 min 5 s`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.9995e-3) return `${formatShort(seconds * 1e6)} µs`;
  if (size < 0.9995) return `${formatShort(seconds * 1e3)} ms`;
  if (size < 99.95) return `${formatShort(seconds)} s`;
  const whole = Math.round(size);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  const shown = parts.slice(first, first + 2).filter(([n]) => n > 0);
  return `${seconds < 0 ? '−' : ''}${shown.map(([n, unit]) => `${n} ${unit}`).join(' ')}`;
}

/** A share of 0..100: `71 %`, `0.3 %`. */
export function formatPercent(percent: number): string {
  return Number.isFinite(percent) ? `${formatPercentValue(percent)} %` : UNKNOWN;
}

function formatPercentValue(percent: number): string {
  if (percent === 0) return '0';
  if (Math.abs(percent) < 0.05) return '< 0.1';
  return Math.abs(percent) < 9.95 ? percent.toFixed(1) : grouped(percent);
}

/** Local time of day: `12:41:09`. `digits` of a second are cut off, not rounded, so that a time never shows before it comes. */
export function formatClock(seconds: number, digits: 0 | 3 | 6 = 0): string {
  if (!(seconds > 0)) return UNKNOWN;
  const date = new Date(seconds * 1000);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
  if (digits === 0) return clock;
  // Times carry whole microseconds; the float below them is noise.
  const micros = Math.round(seconds * 1e6) % 1e6;
  return `${clock}.${String(micros).padStart(6, '0').slice(0, digits)}`;
}

/** Local day and time: `2026-11-22 12:41`. */
export function formatDay(seconds: number): string {
  if (!(seconds > 0)) return UNKNOWN;
  const date = new Date(seconds * 1000);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, '0'));
  return `${day.join('-')} ${formatClock(seconds).slice(0, 5)}`;
}
