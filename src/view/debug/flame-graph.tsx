import { createEffect, createMemo, createSignal, type JSX, onCleanup, onMount, Show } from 'solid-js';
import type { DebugTree, DebugTable as Table } from '../../model/debug.ts';
import type { ThemeColors } from '../colors.ts';
import { formatName, formatPercent } from '../format.ts';
import { useTheme } from '../theme.ts';
import { cssColor, mix, parseColor } from '../timeline/drawing/pixels.ts';
import { sharedTooltip } from '../widgets/tooltip.ts';
import { boxAt, type FlameBox, type FlameStep, flameColor, flameLayout, flameRows, stepFrom } from './flame-layout.ts';
import { formatValue } from './values.ts';

const ROW = 19;
const FONT = '11px Inter, "Segoe UI", system-ui, "DejaVu Sans", sans-serif';
const STEPS: Readonly<Record<string, FlameStep>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

/** A call tree: callers above what they called, as wide as the time it took. Click or Enter looks closer. */
export function FlameGraph(props: { readonly tree: DebugTree }): JSX.Element {
  const [zoom, setZoom] = createSignal<readonly string[]>([]);
  const isEmpty = () => !(props.tree.root.value > 0) && props.tree.root.children.length === 0;
  return (
    <div class="debug-flame">
      <h3>
        {props.tree.title} <span class="dim">{formatValue(props.tree.root.value, props.tree.unit, 0)}</span>
        <Show when={zoom().length > 0}>
          <button type="button" class="tool" onClick={() => setZoom([])}>
            Show all
          </button>
        </Show>
      </h3>
      <Show when={!isEmpty()} fallback={<p class="empty">No samples yet.</p>}>
        <Flame tree={props.tree} zoom={zoom()} onZoom={setZoom} />
      </Show>
    </div>
  );
}

function Flame(props: {
  readonly tree: DebugTree;
  /** Names down to the node that is looked at closely. */
  readonly zoom: readonly string[];
  readonly onZoom: (path: readonly string[]) => void;
}): JSX.Element {
  const theme = useTheme();
  const [width, setWidth] = createSignal(0);
  const [hovered, setHovered] = createSignal(-1);
  /** Where the keys are, as a path: the next answer has other boxes. */
  const [cursor, setCursor] = createSignal<readonly string[] | null>(null);
  let canvas!: HTMLCanvasElement;
  let host!: HTMLDivElement;
  const boxes = createMemo(() => flameLayout(props.tree.root, props.zoom));
  const rows = () => 1 + boxes().reduce((most, { depth }) => Math.max(most, depth), 0);
  const focused = createMemo(() => {
    const path = cursor();
    return path === null ? -1 : boxes().findIndex((box) => samePath(box.path, path));
  });
  const whole = () => props.tree.root.value;
  const amount = (value: number) => formatValue(value, props.tree.unit, 0);
  const share = (value: number) => (whole() > 0 ? formatPercent((100 * value) / whole()) : formatPercent(0));
  const said = () => {
    const box = boxes()[focused()];
    if (box === undefined) return '';
    const { name, detail, value } = box.node;
    return `${[formatName(name), detail].filter(Boolean).join(', ')}: ${amount(value)}, ${share(value)} of all`;
  };

  onMount(() => {
    const observer = new ResizeObserver(() => setWidth(host.clientWidth));
    observer.observe(host);
    onCleanup(() => observer.disconnect());
  });
  createEffect(() => {
    if (width() > 0)
      paint(canvas, boxes(), {
        width: width(),
        rows: rows(),
        colors: theme.colors(),
        hovered: hovered(),
        focused: focused(),
      });
  });
  onCleanup(() => sharedTooltip().hide());

  const at = (event: MouseEvent): number => {
    const { left, top } = canvas.getBoundingClientRect();
    return boxAt(boxes(), (event.clientX - left) / Math.max(1, width()), Math.floor((event.clientY - top) / ROW));
  };
  const onMove = (event: MouseEvent) => {
    const found = at(event);
    setHovered(found);
    const box = boxes()[found];
    if (box === undefined) return sharedTooltip().hide();
    const own = box.node.value - box.node.children.reduce((sum, { value }) => sum + value, 0);
    sharedTooltip().show(event.clientX, event.clientY, {
      title: formatName(box.node.name),
      facts: [
        ...(box.node.detail === '' ? [] : [['where', box.node.detail] as const]),
        ['in all', `${amount(box.node.value)} · ${share(box.node.value)}`],
        ['itself', `${amount(Math.max(0, own))} · ${share(Math.max(0, own))}`],
      ],
    });
  };
  const onLeave = () => {
    setHovered(-1);
    sharedTooltip().hide();
  };
  const look = (box: FlameBox | undefined) => {
    if (box === undefined) return;
    props.onZoom(box.path);
    setCursor(box.path);
    onLeave();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if (step !== undefined) setCursor(boxes()[stepFrom(boxes(), focused(), step)]?.path ?? null);
    else if (event.key === 'Enter') look(boxes()[focused()]);
    else if (event.key === 'Escape') look(boxes()[0]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div class="flame" ref={host}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it takes keys and pointers as an application does */}
        <canvas
          ref={canvas}
          tabindex="0"
          role="application"
          aria-label={`${props.tree.title}, flame graph`}
          aria-description="Arrow keys walk through the calls, Enter looks closer, Escape shows all."
          onMouseMove={onMove}
          onMouseLeave={onLeave}
          onClick={(event) => look(boxes()[at(event)])}
          onKeyDown={onKey}
        />
      </div>
      <p class="flame-said dim cut" aria-live="polite">
        {said()}
      </p>
    </>
  );
}

/** The same tree by function. */
export function treeTable(tree: DebugTree): Table {
  const rows = flameRows(tree.root);
  return {
    title: tree.title,
    columns: [
      { name: 'function', unit: 'text' },
      { name: 'itself', unit: tree.unit },
      { name: 'in all', unit: tree.unit },
      { name: 'where', unit: 'text' },
    ],
    rows: rows.slice(0, 1_000).map(({ name, detail, self, total }) => [formatName(name), self, total, detail]),
    total: rows.length,
  };
}

interface Look {
  readonly width: number;
  readonly rows: number;
  readonly colors: ThemeColors;
  readonly hovered: number;
  readonly focused: number;
}

function paint(canvas: HTMLCanvasElement, boxes: readonly FlameBox[], look: Look): void {
  const { width, rows, colors } = look;
  const ratio = devicePixelRatio;
  const height = rows * ROW;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const draw = canvas.getContext('2d');
  if (draw === null) return;
  draw.scale(ratio, ratio);
  draw.font = FONT;
  draw.textBaseline = 'middle';
  const panel = parseColor(colors.panel);
  // A tint, so that ink is readable on every one of them.
  const fills = colors.functions.map((color) =>
    [0.16, 0.34, 0.52].map((part) => cssColor(mix(parseColor(color), panel, part))),
  );
  boxes.forEach((box, i) => {
    const x = box.left * width;
    const w = Math.max(1, box.width * width - 1);
    const y = box.depth * ROW;
    draw.fillStyle = fills[flameColor(box.node, fills.length)]![i === look.hovered ? 2 : box.above ? 0 : 1]!;
    draw.fillRect(x, y, w, ROW - 1);
    if (w > 24) {
      draw.fillStyle = box.above ? colors.dim : colors.ink;
      draw.fillText(cutEnd(draw, formatName(box.node.name), w - 8), x + 4, y + ROW / 2);
    }
    if (i === look.focused) {
      draw.strokeStyle = colors.accent;
      draw.lineWidth = 2;
      draw.strokeRect(x + 1, y + 1, Math.max(1, w - 2), ROW - 3);
    }
  });
}

/** As much of a text as there is room for. */
function cutEnd(draw: CanvasRenderingContext2D, text: string, room: number): string {
  const short = text.length > 200 ? text.slice(0, 200) : text;
  if (draw.measureText(short).width <= room) return short;
  let [fits, not] = [0, short.length];
  while (not - fits > 1) {
    const middle = (fits + not) >> 1;
    if (draw.measureText(`${short.slice(0, middle)}…`).width <= room) fits = middle;
    else not = middle;
  }
  return fits === 0 ? '' : `${short.slice(0, fits)}…`;
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
