/** Seconds since epoch, then one column a series; null where nothing is known. */
export type ChartData = [times: number[], ...columns: (number | null)[][]];

/** Samples further apart than this are not joined by a line, seconds: nobody was there to report. */
const GAP = 6;

/** The same data with a row of nulls in each gap between samples. */
export function withGaps(data: ChartData, gap = GAP): ChartData {
  const [times] = data;
  const before = times.flatMap((time, i) => (i > 0 && time - times[i - 1]! > gap ? [i] : []));
  if (before.length === 0) return data;
  const insert = <T>(column: readonly T[], at: (i: number) => T): T[] => {
    const parts = before.map((i, n) => [...column.slice(before[n - 1] ?? 0, i), at(i)]);
    return [...parts.flat(), ...column.slice(before.at(-1))];
  };
  const [, ...columns] = data;
  return [
    insert(times, (i) => (times[i - 1]! + times[i]!) / 2),
    ...columns.map((column) => insert<number | null>(column, () => null)),
  ];
}
