import { createMemo, For, type JSX, Show } from 'solid-js';
import type { DebugUnit, DebugSeries as Series, DebugTable as Table } from '../../model/debug.ts';
import { formatClock, UNKNOWN } from '../format.ts';
import { useTheme } from '../theme.ts';
import type { ChartData } from '../widgets/chart-data.ts';
import { type ChartSeries, TimeChart } from '../widgets/time-chart.tsx';
import { formatValue } from './values.ts';

/** Numbers over time: a chart with its latest values in the title. */
export function DebugSeries(props: { readonly series: Series }): JSX.Element {
  const theme = useTheme();
  const names = createMemo(() => props.series.lines.map(({ name }) => name), undefined, { equals: sameTexts });
  const lines = createMemo((): readonly ChartSeries[] => {
    // The first of the palette is as blue as the accent.
    const { accent, functions } = theme.colors();
    return names().map((name, i) => ({ name, color: i === 0 ? accent : functions[i % functions.length]! }));
  });
  const format = (value: number) => formatValue(value, props.series.unit, 0);
  const latest = (i: number) => {
    const value = props.series.lines[i]?.values.at(-1);
    return value === null || value === undefined ? UNKNOWN : format(value);
  };
  const data = (): ChartData => [[...props.series.times], ...props.series.lines.map(({ values }) => [...values])];
  const span = (): readonly [number, number] => {
    const { times } = props.series;
    const to = times.at(-1) ?? 0;
    return [Math.min(times[0] ?? 0, to - 10), to];
  };
  const top = createMemo(() => topOf(props.series));
  const colors = createMemo(() => ({ text: theme.colors().faint, grid: theme.colors().grid }));
  const label = () =>
    `${props.series.title}: ${names()
      .map((name, i) => `${name} ${latest(i)}`)
      .join(', ')}`;
  return (
    <div class="debug-series">
      <h3>
        {props.series.title}
        <span class="legend">
          <For each={lines()}>
            {(line, i) => (
              <span>
                <i class="swatch" style={{ background: line.color }} />
                <Show when={lines().length > 1 || line.name !== props.series.title}>{line.name} </Show>
                <b>{latest(i())}</b>
              </span>
            )}
          </For>
        </span>
      </h3>
      <Show when={props.series.times.length > 0} fallback={<p class="empty">Nothing measured yet.</p>}>
        <div class="chart">
          <TimeChart
            label={label()}
            series={lines()}
            data={data()}
            span={span()}
            top={top()}
            ticks={[0, top() / 2, top()]}
            format={format}
            formatTime={formatClock}
            colors={colors()}
          />
        </div>
      </Show>
    </div>
  );
}

/** The same numbers as a table, newest first. */
export function seriesTable({ title, unit, times, lines }: Series): Table {
  return {
    title,
    columns: [{ name: 'time', unit: 'time' }, ...lines.map(({ name }) => ({ name, unit }))],
    rows: times.map((time, i) => [time, ...lines.map(({ values }) => values[i] ?? null)]).reverse(),
    total: times.length,
  };
}

/** Upper end of the axis: round, and the same for a while, so that the picture stands still. */
function topOf({ unit, lines }: Series): number {
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

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
