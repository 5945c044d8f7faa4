import type { GapView } from '../../../model/batch.ts';
import { UNMATCHED } from '../../../model/task-state.ts';
import type { WindowData } from '../../../store/detail/window-data.ts';
import type { RunningView } from '../../../store/replica.ts';
import type { ThemeColors } from '../../colors.ts';
import { formatCount } from '../../format.ts';
import { type Scale, xOf } from '../moving/viewport.ts';
import type { Layout, Row } from './layout.ts';
import { rowOf, rowsWithin } from './layout.ts';
import { cssColor, luminance, type Pixel } from './pixels.ts';
import { labelsOf, type SliceLabel } from './slices-renderer.ts';

/** The part of a 2D context that is used; a test hands in one that writes down what is drawn. */
export type Draw = Pick<
  CanvasRenderingContext2D,
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'font'
  | 'textAlign'
  | 'textBaseline'
  | 'fillRect'
  | 'strokeRect'
  | 'fillText'
  | 'measureText'
  | 'createLinearGradient'
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'bezierCurveTo'
  | 'closePath'
  | 'stroke'
  | 'fill'
>;

/** What all overlays share in one frame. */
export interface Stage {
  readonly scale: Scale;
  readonly layout: Layout;
  readonly scroll: number;
  readonly height: number;
  readonly ratio: number;
  readonly epoch: number;
  /** Colours by category, as in the picture. */
  readonly categories: Uint32Array;
  readonly panel: Pixel;
  readonly theme: ThemeColors;
  /** Of labels in the plot. */
  readonly font: string;
}

/** The fade of what runs, and room for names: CSS pixels. */
const FADE = 44;
const LEAST_LABEL = 30;
const LEAST_LABEL_ROW = 12;
const MOST_LABELS = 320;
const PADDING = 4;
/** How much is left of a running task's colour at the present. */
const FADED = 0.16;

function visibleRows(stage: Stage): readonly Row[] {
  const [from, to] = rowsWithin(stage.layout, stage.scroll, stage.scroll + stage.height);
  return stage.layout.rows.slice(from, to);
}

/** The category that a running task is drawn as; null: it is not shown. */
export type Shows = (task: RunningView) => number | null;

/** Tasks that run now: from their start to the present, fading towards it. */
export function drawRunning(
  draw: Draw,
  stage: Stage,
  running: ReadonlyMap<number, RunningView>,
  now: number,
  shows: Shows,
): void {
  const { scale, scroll, categories, ratio, panel } = stage;
  const right = xOf(scale, now);
  const fade = Math.max(0, right - FADE * ratio);
  const gradients = new Map<number, CanvasGradient>();
  for (const row of visibleRows(stage)) {
    const task = running.get(row.track);
    const category = task === undefined ? null : shows(task);
    if (task === undefined || category === null) continue;
    const x0 = Math.round(Math.max(0, xOf(scale, task.start - stage.epoch)));
    const x1 = Math.min(scale.width, Math.ceil(right));
    if (x1 <= x0) continue;
    const color = categories[category]!;
    const y = row.y - scroll;
    const solid = Math.min(x1, Math.max(x0, Math.round(fade)));
    if (solid > x0) {
      draw.fillStyle = cssColor(color);
      draw.fillRect(x0, y, solid - x0, row.height);
    }
    if (x1 <= solid) continue;
    let gradient = gradients.get(category);
    if (gradient === undefined) {
      gradient = draw.createLinearGradient(right - FADE * ratio, 0, right, 0);
      gradient.addColorStop(0, cssColor(color));
      gradient.addColorStop(1, cssColor(color, FADED));
      gradients.set(category, gradient);
    }
    // What is under a fading part must not shine through: it is drawn on the panel.
    draw.fillStyle = cssColor(panel);
    draw.fillRect(solid, y, x1 - solid, row.height);
    draw.fillStyle = gradient;
    draw.fillRect(solid, y, x1 - solid, row.height);
  }
}

export function drawNow(draw: Draw, stage: Stage, now: number, accent: string): void {
  const wide = Math.max(1, Math.round(1.5 * stage.ratio));
  // Where the right edge is the present, the line stands on the edge.
  const x = Math.min(xOf(stage.scale, now), stage.scale.width - wide);
  if (x < 0 || xOf(stage.scale, now) > stage.scale.width + 2) return;
  draw.fillStyle = accent;
  draw.fillRect(Math.round(x), 0, wide, stage.height);
}

/** Times without records: a veil with their size, so that nobody takes them for idle. */
export function drawGaps(draw: Draw, stage: Stage, gaps: readonly GapView[], color: string, font: string): void {
  for (const gap of gaps) {
    const x0 = xOf(stage.scale, gap.since * 1e6 - stage.epoch);
    const x1 = xOf(stage.scale, gap.until * 1e6 - stage.epoch);
    if (x1 < 0 || x0 > stage.scale.width) continue;
    const left = Math.max(0, Math.round(x0));
    const wide = Math.max(stage.ratio, Math.min(stage.scale.width, x1) - left);
    draw.fillStyle = color;
    const step = Math.max(4, Math.round(6 * stage.ratio));
    for (let x = left; x < left + wide; x += step) draw.fillRect(x, 0, Math.max(1, stage.ratio), stage.height);
    if (wide < 60 * stage.ratio) continue;
    draw.font = font;
    draw.textAlign = 'center';
    draw.textBaseline = 'middle';
    const text = gap.size === null ? 'some tasks missed' : `${formatCount(gap.size)} tasks missed`;
    const room = draw.measureText(text).width + 12 * stage.ratio;
    if (room > wide) continue;
    draw.fillStyle = cssColor(stage.panel);
    draw.fillRect(left + wide / 2 - room / 2, stage.height / 2 - 10 * stage.ratio, room, 20 * stage.ratio);
    draw.fillStyle = color;
    draw.fillText(text, left + wide / 2, stage.height / 2);
  }
}

/** Names of functions on slices that have room for them; cut with an ellipsis, never squeezed. */
export class NamePainter {
  #widths = new Map<string, number>();
  #font = '';

  draw(draw: Draw, stage: Stage, data: WindowData, names: readonly string[], font: string): void {
    const { ratio, scale } = stage;
    if (data.mode !== 'slices' || !this.#begin(draw, stage, font)) return;
    let drawn = 0;
    for (const row of visibleRows(stage)) {
      const slices = data.slicesOf(row.track);
      if (slices === undefined) continue;
      for (const label of labelsOf(slices, scale, stage.epoch, LEAST_LABEL * ratio)) {
        if (!this.#label(draw, stage, row, label, names)) continue;
        if (++drawn >= MOST_LABELS) return;
      }
    }
  }

  /** Names on the solid part of what runs. */
  drawRunning(
    draw: Draw,
    stage: Stage,
    running: ReadonlyMap<number, RunningView>,
    now: number,
    shows: Shows,
    names: readonly string[],
    font: string,
  ): void {
    const { scale, ratio } = stage;
    if (!this.#begin(draw, stage, font)) return;
    const right = Math.min(scale.width, xOf(scale, now) - FADE * ratio);
    for (const row of visibleRows(stage)) {
      const task = running.get(row.track);
      const category = task === undefined ? null : shows(task);
      // What has faded has no name.
      if (task === undefined || category === null || category >= UNMATCHED) continue;
      const x = Math.max(0, xOf(scale, task.start - stage.epoch));
      const label = { fn: task.fn, category, x, width: right - x };
      if (label.width >= LEAST_LABEL * ratio) this.#label(draw, stage, row, label, names);
    }
  }

  /** False where rows are too low for letters. */
  #begin(draw: Draw, { layout, ratio }: Stage, font: string): boolean {
    if (layout.rowHeight < LEAST_LABEL_ROW * ratio) return false;
    if (font !== this.#font) this.#widths.clear();
    this.#font = font;
    draw.font = font;
    draw.textAlign = 'left';
    draw.textBaseline = 'middle';
    return true;
  }

  /** False where the name has no room. */
  #label(draw: Draw, stage: Stage, row: Row, label: SliceLabel, names: readonly string[]): boolean {
    const padding = PADDING * stage.ratio;
    const text = this.#cut(draw, names[label.fn] ?? '', label.width - 2 * padding, this.#width(draw, '…'));
    if (text === '') return false;
    draw.fillStyle = inkOn(stage.categories[label.category]!);
    draw.fillText(text, label.x + padding, row.y - stage.scroll + row.height / 2 + 0.5);
    return true;
  }

  #width(draw: Draw, text: string): number {
    let width = this.#widths.get(text);
    if (width === undefined) {
      if (this.#widths.size > 5_000) this.#widths.clear();
      width = draw.measureText(text).width;
      this.#widths.set(text, width);
    }
    return width;
  }

  #cut(draw: Draw, name: string, room: number, dots: number): string {
    if (name.length > 200) return this.#cut(draw, name.slice(0, 200), room, dots);
    const full = this.#width(draw, name);
    if (full <= room) return name;
    // Letters differ in width: the share that fits is a first guess, shortened until it does.
    let letters = Math.floor((name.length * (room - dots)) / full);
    while (letters > 1 && this.#width(draw, name.slice(0, letters)) + dots > room) letters--;
    return letters > 1 ? `${name.slice(0, letters)}…` : '';
  }
}

/** Dark or light letters, whichever is read more easily on a colour. */
export function inkOn(color: Pixel): string {
  return luminance(color) > 0.3 ? 'rgba(0, 0, 0, 0.82)' : 'rgba(255, 255, 255, 0.94)';
}

/** A frame around a slice that is pointed at or chosen. */
export function drawMark(
  draw: Draw,
  stage: Stage,
  mark: { readonly track: number; readonly start: number; readonly stop: number },
  color: string,
  strong: boolean,
): void {
  const row = rowOf(stage.layout, mark.track);
  if (row === undefined) return;
  const x0 = Math.max(-4, Math.floor(xOf(stage.scale, mark.start - stage.epoch)));
  const x1 = Math.min(stage.scale.width + 4, Math.ceil(xOf(stage.scale, mark.stop - stage.epoch)));
  if (x1 < 0 || x0 > stage.scale.width) return;
  const line = Math.max(1, Math.round((strong ? 2 : 1) * stage.ratio));
  draw.strokeStyle = color;
  draw.lineWidth = line;
  const wide = Math.max(x1 - x0, 2 * line);
  draw.strokeRect(x0 - line / 2, row.y - stage.scroll - line / 2, wide + line, row.height + line);
}
