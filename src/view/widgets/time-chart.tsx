import './time-chart.css';
import { createEffect, createMemo, createResource, type JSX, on, onCleanup, Show } from 'solid-js';
import type uPlot from 'uplot';
import type { ChartData } from './chart-data.ts';
import { sharedTooltip } from './tooltip.ts';

export interface ChartSeries {
  readonly name: string;
  readonly color: string;
  /** A band between two series is filled, its edges are not drawn. */
  readonly band?: 'low' | 'high';
  readonly dashed?: boolean;
  /** Samples that have no neighbour to draw a line to are dots. */
  readonly dots?: boolean;
}

export interface TimeChartProps {
  /** What a screen reader says in place of the picture. */
  readonly label: string;
  /** What is more urgent than this chart. */
  readonly after?: Promise<void>;
  readonly series: readonly ChartSeries[];
  readonly data: ChartData;
  /** Seconds since epoch, both ends of the time axis. */
  readonly span: readonly [from: number, to: number];
  /** Upper end of the other axis. */
  readonly top: number;
  /** Where its labels stand. */
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
  /** Of the axis, where it is shorter than `format`. */
  readonly formatTick?: (value: number) => string;
  readonly formatTime: (seconds: number) => string;
  readonly colors: { readonly text: string; readonly grid: string; readonly mark?: string };
  /** The moment that is shown, seconds since epoch: a line. What is right of it had not happened yet. */
  readonly mark?: number | undefined;
}

// A whole number: uPlot scales that alone to the screen's pixels.
const FONT = '11px Inter, "Segoe UI", system-ui, "DejaVu Sans", sans-serif';

/** A line chart over time. Its library is fetched when the first chart is. */
export function TimeChart(props: TimeChartProps): JSX.Element {
  const [library] = createResource(async () => {
    await props.after;
    return (await import('uplot')).default;
  });
  return (
    <div class="time-chart" role="img" aria-label={props.label}>
      <Show when={library()}>{(loaded) => <Plot library={loaded()} {...props} />}</Show>
    </div>
  );
}

function Plot(props: TimeChartProps & { readonly library: typeof uPlot }): JSX.Element {
  let host!: HTMLDivElement;
  let plot: uPlot | undefined;
  let observer: ResizeObserver | undefined;
  const dispose = () => {
    observer?.disconnect();
    plot?.destroy();
    sharedTooltip().hide();
  };
  const build = () => {
    dispose();
    const made = new props.library(optionsOf(props, host), props.data as uPlot.AlignedData, host);
    plot = made;
    observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = host;
      if (width > 0 && height > 0 && (width !== made.width || height !== made.height)) made.setSize({ width, height });
    });
    observer.observe(host);
  };
  // Colours are part of a chart's options, so a theme makes new charts; data and axes only redraw.
  const colors = createMemo(() => props.colors);
  const series = createMemo(() => props.series);
  createEffect(on([colors, series], () => queueMicrotask(build)));
  createEffect(() => {
    const { data, span, top } = props;
    // The line is drawn with the rest.
    props.mark;
    plot?.batch(() => {
      plot?.setData(data as uPlot.AlignedData, false);
      plot?.setScale('x', { min: span[0], max: span[1] });
      plot?.setScale('y', { min: 0, max: top });
    });
  });
  onCleanup(dispose);
  return <div class="plot" ref={host} />;
}

function optionsOf(props: TimeChartProps, host: HTMLElement): uPlot.Options {
  const axis = { stroke: props.colors.text, font: FONT, ticks: { show: false } };
  const band = ['high', 'low'].map((end) => props.series.findIndex((series) => series.band === end) + 1);
  const bandColor = props.series[band[0]! - 1]?.color;
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    legend: { show: false },
    padding: [6, 14, 0, 0],
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
    scales: {
      x: { time: true, min: props.span[0], max: props.span[1], auto: false },
      y: { min: 0, max: props.top, auto: false },
    },
    axes: [
      {
        ...axis,
        size: 20,
        gap: 3,
        space: 70,
        grid: { show: false },
        values: (_plot, splits) =>
          splits.map((seconds) => (seconds > 0 && fitsAxis(seconds, props.span) ? props.formatTime(seconds) : '')),
      },
      {
        ...axis,
        // `1,023 MiB/s` is the longest there is.
        size: 72,
        gap: 4,
        grid: { stroke: props.colors.grid, width: 1 },
        splits: () => [...props.ticks],
        values: (_plot, splits) => splits.map((value) => (props.formatTick ?? props.format)(value)),
      },
    ],
    series: [
      {},
      ...props.series.map((series): uPlot.Series => {
        const hidden = series.band !== undefined;
        return {
          stroke: hidden ? 'transparent' : series.color,
          width: hidden ? 0 : 1.5,
          ...(series.dashed ? { dash: [4, 4] } : {}),
          points: { show: series.dots === true, size: 4 },
          spanGaps: false,
        };
      }),
    ],
    bands: bandColor === undefined ? [] : [{ series: [band[0]!, band[1]!], fill: `${bandColor}30` }],
    hooks: {
      draw: [(plot) => drawMark(plot, props)],
      setCursor: [(plot) => hover(plot, props)],
    },
  };
}

function drawMark(plot: uPlot, { mark, colors }: TimeChartProps): void {
  if (mark === undefined) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(mark, 'x', true));
  const right = bbox.left + bbox.width;
  if (x < bbox.left || x > right) return;
  ctx.save();
  ctx.fillStyle = colors.grid;
  ctx.fillRect(x, bbox.top, right - x, bbox.height);
  ctx.fillStyle = colors.mark ?? colors.text;
  ctx.fillRect(x, bbox.top, Math.max(1, Math.round(1.5 * devicePixelRatio)), bbox.height);
  ctx.restore();
}

/** A label at either end would run into the other axis or out of the picture. */
function fitsAxis(seconds: number, [from, to]: readonly [number, number]): boolean {
  const place = (seconds - from) / (to - from);
  return place > 0.08 && place < 0.95;
}

function hover(plot: uPlot, props: TimeChartProps): void {
  const { idx, left = -1, top = -1 } = plot.cursor;
  const time = idx == null || left < 0 ? undefined : plot.data[0]?.[idx];
  if (time === undefined || idx == null) {
    sharedTooltip().hide();
    return;
  }
  const { left: x, top: y } = plot.over.getBoundingClientRect();
  sharedTooltip().show(x + left, y + top, {
    title: props.formatTime(time),
    facts: props.series.map((series, i) => {
      const value = plot.data[i + 1]?.[idx];
      return [series.name, value == null ? '–' : props.format(value)] as const;
    }),
  });
}
