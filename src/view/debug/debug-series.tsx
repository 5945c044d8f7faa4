import { createMemo, For, type JSX, Show } from 'solid-js';
import type { DebugSeries as Series } from '../../model/debug.ts';
import { formatClock, UNKNOWN } from '../format.ts';
import { useTheme } from '../theme.ts';
import type { ChartData } from '../widgets/chart-data.ts';
import { type ChartSeries, TimeChart } from '../widgets/time-chart.tsx';
import { hasLone, topOf } from './series-numbers.ts';
import { formatValue } from './values.ts';

/** Numbers over time: a chart with its latest values in the title. */
export function DebugSeries(props: { readonly series: Series }): JSX.Element {
  const theme = useTheme();
  const names = createMemo(() => props.series.lines.map(({ name }) => name), undefined, { equals: sameTexts });
  const sparse = createMemo(() => props.series.lines.some(({ values }) => hasLone(values)));
  const lines = createMemo((): readonly ChartSeries[] => {
    // The first of the palette is as blue as the accent.
    const { accent, functions } = theme.colors();
    return names().map((name, i) => ({
      name,
      color: i === 0 ? accent : functions[i % functions.length]!,
      dots: sparse(),
    }));
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

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
