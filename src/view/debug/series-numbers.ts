import type { DebugSeries, DebugTable, DebugUnit } from '../../model/debug.ts';

/** The same numbers as a table, newest first. */
export function seriesTable({ title, unit, times, lines }: DebugSeries): DebugTable {
  return {
    title,
    columns: [{ name: 'time', unit: 'time' }, ...lines.map(({ name }) => ({ name, unit }))],
    rows: times.map((time, i) => [time, ...lines.map(({ values }) => values[i] ?? null)]).reverse(),
    total: times.length,
  };
}

/** Upper end of the axis: round, and the same for a while, so that the picture stands still. */
export function topOf({ unit, lines }: DebugSeries): number {
  let most = 0;
  for (const { values } of lines) for (const value of values) if (value !== null && value > most) most = value;
  return roundUp(most, unit);
}

export function roundUp(value: number, unit: DebugUnit): number {
  if (unit === 'bytes' || unit === 'bytes/s') return 2 ** Math.ceil(Math.log2(Math.max(value, 1024)));
  if (unit === 'percent' && value <= 100) return 100;
  if (unit === 'share' && value <= 1) return 1;
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= value * 0.999) ?? 10;
  return step * power;
}

/** Whether some value stands between two that are not known: no line leads to it. */
export function hasLone(values: readonly (number | null)[]): boolean {
  return values.some(
    (value, i) => value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null,
  );
}
