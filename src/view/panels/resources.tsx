import './resources.css';
import { createMemo, type JSX } from 'solid-js';
import { RESOURCE_COLUMNS, type ResourceColumn } from '../../model/batch.ts';
import { formatBytes, formatClock, formatPercent, formatRate } from '../format.ts';
import { useLive } from '../live-store.ts';
import { usePlayhead } from '../playhead/playhead.ts';
import { useTheme } from '../theme.ts';
import { type ChartData, withGaps } from '../widgets/chart-data.ts';
import { Panel } from '../widgets/panel.tsx';
import { TableTwin, type TwinColumn } from '../widgets/table-twin.tsx';
import { type ChartSeries, TimeChart } from '../widgets/time-chart.tsx';

/** What is shown, seconds. */
const SPAN = 180;
/** Of it lies behind the moment that is shown, where that is not now: its line stands in the chart, not on its edge. */
const BEYOND = 15;

type Row = Readonly<Record<ResourceColumn, number>>;

/** Average CPU and memory with the range over workers, and network in and out, over the last minutes. */
export function Resources(): JSX.Element {
  const live = useLive();
  const theme = useTheme();
  const playhead = usePlayhead();
  live.use('resources');
  const columns = createMemo(() => {
    live.resources();
    return lastColumns(live.replica.resources);
  });
  /** The moment that is shown, where it is another than now or the end. Charts are drawn anew when it changes, not whenever it is asked for. */
  const moment = createMemo(() => (playhead?.away() === true ? playhead.time() : undefined));
  const span = createMemo((): readonly [number, number] => {
    const at = moment();
    if (at !== undefined) return [at + BEYOND - SPAN, at + BEYOND];
    const { time } = columns();
    const to = time.at(-1) ?? live.replica.clock();
    return [to - SPAN, to];
  });
  /** Nobody reports once the last worker is gone: what it said last is not true any more. */
  const reported = () => {
    live.state();
    return live.replica.tracks.some((track) => track?.alive);
  };
  const latest = (column: ResourceColumn) => (reported() ? (columns()[column].at(-1) ?? Number.NaN) : Number.NaN);
  const data = (...names: ResourceColumn[]): ChartData =>
    withGaps([
      columns().time,
      ...names.map((name) => columns()[name].map((value) => (Number.isFinite(value) ? value : null))),
    ]);
  const most = (...names: ResourceColumn[]) =>
    Math.max(
      0,
      ...names.map((name) =>
        columns()
          [name].filter(Number.isFinite)
          .reduce((max, value) => Math.max(max, value), 0),
      ),
    );
  const palette = createMemo(() => seriesOf(theme.name()));
  const colors = createMemo(() => ({
    text: theme.colors().faint,
    grid: theme.colors().grid,
    mark: theme.colors().accent,
  }));
  const after = live.frames.painted();
  const shared = () => ({ span: span(), formatTime: formatClock, colors: colors(), mark: moment(), after });
  const numbers = () => {
    const at = moment();
    return at === undefined ? `last ${SPAN / 60} minutes` : `up to ${formatClock(at)}`;
  };

  const cpuTop = () => Math.max(100, Math.ceil(most('cpuMax', 'cpu') / 50) * 50);
  const memoryTop = () => {
    const limit = most('memoryLimit');
    return Math.max(limit > 0 ? limit : roundBytes(most('memory')), most('memory', 'memoryMax'));
  };
  const networkTop = () => roundBytes(most('networkRead', 'networkWrite'));
  return (
    <Panel
      title="Resources"
      class="resources"
      numbers={numbers()}
      table={() => (
        <TableTwin caption="Resources of the cluster, newest first" columns={COLUMNS} rows={rowsOf(columns())} />
      )}
    >
      <div class="charts">
        <Chart title="CPU" numbers={cpuText(latest('cpu'), latest('cpuMin'), latest('cpuMax'))}>
          <TimeChart
            {...shared()}
            label={`Average CPU of the workers, ${cpuText(latest('cpu'), latest('cpuMin'), latest('cpuMax'))}`}
            series={palette().cpu}
            data={data('cpu', 'cpuMax', 'cpuMin')}
            top={cpuTop()}
            ticks={[0, cpuTop() / 2, cpuTop()]}
            format={formatPercent}
          />
        </Chart>
        <Chart title="Memory" numbers={memoryText(latest('memory'), latest('memoryLimit'))}>
          <TimeChart
            {...shared()}
            label={`Memory of the workers, ${memoryText(latest('memory'), latest('memoryLimit'))}`}
            series={palette().memory}
            data={data('memory', 'memoryMax', 'memoryMin', 'memoryLimit')}
            top={memoryTop()}
            ticks={[0, memoryTop() / 2, memoryTop()]}
            format={formatBytes}
          />
        </Chart>
        <Chart
          title="Network"
          numbers={
            <>
              <i class="key in" /> in {formatRate(latest('networkRead'))} <i class="key out" /> out{' '}
              {formatRate(latest('networkWrite'))}
            </>
          }
        >
          <TimeChart
            {...shared()}
            label={`Network of the hosts, in ${formatRate(latest('networkRead'))}, out ${formatRate(latest('networkWrite'))}`}
            series={palette().network}
            data={data('networkRead', 'networkWrite')}
            top={networkTop()}
            ticks={[0, networkTop() / 2, networkTop()]}
            format={formatRate}
          />
        </Chart>
      </div>
    </Panel>
  );
}

function Chart(props: {
  readonly title: string;
  readonly numbers: JSX.Element;
  readonly children: JSX.Element;
}): JSX.Element {
  return (
    <div class="chart">
      <h3>
        {props.title} <span class="dim cut">{props.numbers}</span>
      </h3>
      {props.children}
    </div>
  );
}

function cpuText(mean: number, least: number, most: number): string {
  const range = Number.isFinite(least) ? ` · ${Math.round(least)}–${Math.round(most)} % across workers` : '';
  return formatPercent(mean) + range;
}

function memoryText(used: number, limit: number): string {
  return formatBytes(used) + (limit > 0 ? ` of ${formatBytes(limit)}` : '');
}

/** The next power of two, so that the axis stands still while values wander and its labels are round. */
function roundBytes(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 1024)));
}

type Columns = Readonly<Record<ResourceColumn, number[]>>;

function lastColumns(
  resources: Readonly<Record<ResourceColumn, { readonly length: number; view(from: number): Float64Array }>>,
): Columns {
  const times = resources.time.view(0);
  const since = (times.at(-1) ?? 0) - SPAN - 2;
  let first = times.length;
  while (first > 0 && times[first - 1]! >= since) first--;
  return Object.fromEntries(RESOURCE_COLUMNS.map((name) => [name, Array.from(resources[name].view(first))])) as Columns;
}

function rowsOf(columns: Columns): Row[] {
  return columns.time
    .map((_, i) => Object.fromEntries(RESOURCE_COLUMNS.map((name) => [name, columns[name][i]!])) as Row)
    .reverse();
}

const COLUMNS: readonly TwinColumn<Row>[] = [
  { title: 'Time', cell: (row) => formatClock(row.time) },
  { title: 'CPU', number: true, cell: (row) => formatPercent(row.cpu) },
  { title: 'CPU, least', number: true, cell: (row) => formatPercent(row.cpuMin) },
  { title: 'CPU, most', number: true, cell: (row) => formatPercent(row.cpuMax) },
  { title: 'Memory', number: true, cell: (row) => formatBytes(row.memory) },
  { title: 'Limit', number: true, cell: (row) => formatBytes(row.memoryLimit) },
  { title: 'Network in', number: true, cell: (row) => formatRate(row.networkRead) },
  { title: 'Network out', number: true, cell: (row) => formatRate(row.networkWrite) },
  { title: 'Disk read', number: true, cell: (row) => formatRate(row.diskRead) },
  { title: 'Disk write', number: true, cell: (row) => formatRate(row.diskWrite) },
];

/** The series' colours are read from the style sheet, which the legend in the title uses too. */
function seriesOf(_theme: 'light' | 'dark'): Record<'cpu' | 'memory' | 'network', readonly ChartSeries[]> {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const [cpu, memory] = [color('--series-cpu'), color('--series-memory')];
  return {
    cpu: [
      { name: 'mean', color: cpu },
      { name: 'busiest worker', color: cpu, band: 'high' },
      { name: 'idlest worker', color: cpu, band: 'low' },
    ],
    memory: [
      { name: 'all workers', color: memory },
      { name: 'if all were as full as the fullest', color: memory, band: 'high' },
      { name: 'if all were as empty as the emptiest', color: memory, band: 'low' },
      { name: 'limit', color: memory, dashed: true },
    ],
    network: [
      { name: 'in', color: color('--series-in') },
      { name: 'out', color: color('--series-out') },
    ],
  };
}
