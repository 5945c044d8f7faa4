import type { LinkedTask, RecordDetails } from '../../../model/batch.ts';
import { xOf } from '../moving/viewport.ts';
import { rowOf } from './layout.ts';
import type { Draw, Stage } from './painter.ts';
import { cssColor } from './pixels.ts';
import type { Overlay, Scene } from './scene.ts';

/** Arrows to a task, and from it, that are drawn: the ones nearest to it in time. */
const MOST_ARROWS = 40;
/** Lengths in CSS pixels. */
const HEAD = 5;
const LEAST_BEND = 6;
const MOST_BEND = 90;
/** Arrows end so far outside of the plot at most: they leave it in the direction in which the other task is. */
const OUTSIDE = 400;
const HATCH = 4;
const WAIT = 8;
/** Notes stand so far above the arrows that they speak of. */
const NOTE = 16;

export interface Arrow {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface ArrowPlan {
  readonly arrows: readonly Arrow[];
  /** The time in which it waited, in its row; null where none is in view. */
  readonly wait: { readonly x0: number; readonly x1: number; readonly y: number; readonly height: number } | null;
  /** What is not drawn, said beside it. */
  readonly notes: readonly {
    readonly text: string;
    readonly x: number;
    readonly y: number;
    readonly align: 'left' | 'right';
  }[];
}

/** Where the arrows of a task go, device pixels of the plot; null where its row is not on the stage. */
export function planArrows(details: RecordDetails, stage: Stage, track: number): ArrowPlan | null {
  const { scale, scroll, height, ratio, epoch } = stage;
  const row = rowOf(stage.layout, track);
  if (row === undefined || details.stop === null) return null;
  const x = (seconds: number): number => xOf(scale, seconds * 1e6 - epoch);
  const y = middleOf(row, scroll);
  const begins = x(details.ready ?? details.start);
  const starts = x(details.start);
  const stops = x(details.stop);
  const shown = (a: Arrow): boolean =>
    Math.max(a.x0, a.x1) >= 0 &&
    Math.min(a.x0, a.x1) <= scale.width &&
    Math.max(a.y0, a.y1) >= 0 &&
    Math.min(a.y0, a.y1) <= height &&
    (inside(a.x0, a.y0) || inside(a.x1, a.y1));
  const inside = (px: number, py: number): boolean => px >= 0 && px <= scale.width && py >= 0 && py <= height;
  const near = (px: number): number => Math.max(-OUTSIDE * ratio, Math.min(scale.width + OUTSIDE * ratio, px));
  const arrows: Arrow[] = [];
  const draw = (tasks: readonly LinkedTask[], arrowOf: (task: LinkedTask, y: number) => Arrow): number => {
    let drawn = 0;
    for (const task of tasks) {
      const other = rowOf(stage.layout, task.track);
      if (other === undefined) continue;
      const arrow = arrowOf(task, middleOf(other, scroll));
      if (!shown(arrow) || drawn === MOST_ARROWS) continue;
      arrows.push({ x0: near(arrow.x0), y0: arrow.y0, x1: near(arrow.x1), y1: arrow.y1 });
      drawn++;
    }
    return drawn;
  };
  const before = [...details.dependencies.tasks].sort((a, b) => b.stop - a.stop);
  const after = [...(details.dependents?.tasks ?? [])].sort((a, b) => a.start - b.start);
  const from = draw(before, (task, ty) => ({ x0: x(task.stop), y0: ty, x1: begins, y1: y }));
  const to = draw(after, (task, ty) => ({ x0: stops, y0: y, x1: x(task.start), y1: ty }));
  const notes: ArrowPlan['notes'][number][] = [];
  const note = (total: number, drawn: number, px: number, align: 'left' | 'right'): void => {
    if (drawn === 0 || total <= drawn || !inside(px, y)) return;
    const away = (HEAD + 6) * ratio;
    const x = align === 'left' ? px + away : px - away;
    notes.push({ text: `and ${total - drawn} more`, x, y: y - NOTE * ratio, align });
  };
  note(details.dependencies.total, from, begins, 'right');
  note(details.dependents?.total ?? 0, to, stops, 'left');
  const left = Math.max(-4, Math.round(begins));
  const right = Math.min(scale.width + 4, Math.round(starts));
  const thin = Math.round(Math.min(row.height, Math.max(3, Math.min(WAIT, row.height / ratio / 2)) * ratio));
  const wait =
    details.ready === null || right - left < ratio
      ? null
      : { x0: left, x1: right, y: Math.round(y - thin / 2), height: thin };
  return { arrows, wait, notes };
}

/** The middle of a row, at the centre of a pixel: a line along it is sharp, and not two pale ones. */
function middleOf({ y, height }: { readonly y: number; readonly height: number }, scroll: number): number {
  return Math.floor(y - scroll + height / 2) + 0.5;
}

/** Draws what the selected task waited for: since when it could have begun, what it depended on, and what depended on it. */
export class Arrows implements Overlay {
  #details: RecordDetails | null = null;

  /** Null: nothing is selected, or nothing is known of it. */
  show(details: RecordDetails | null): void {
    this.#details = details;
  }

  draw(draw: Draw, stage: Stage, scene: Scene): void {
    const { selected } = scene;
    if (this.#details === null || selected?.kind !== 'slice' || selected.record !== this.#details.record) return;
    const plan = planArrows(this.#details, stage, selected.track);
    if (plan === null) return;
    if (plan.wait !== null) drawWait(draw, stage, plan.wait);
    // All outlines lie under all lines: where arrows cross, none cuts another.
    const { ratio, theme, panel } = stage;
    drawLines(draw, plan.arrows, ratio, cssColor(panel, 0.85), 4 * ratio);
    drawLines(draw, plan.arrows, ratio, theme.accent, 1.5 * ratio);
    for (const arrow of plan.arrows) drawHead(draw, arrow, ratio, theme.accent);
    drawNotes(draw, stage, plan.notes);
  }
}

function drawLines(draw: Draw, arrows: readonly Arrow[], ratio: number, color: string, width: number): void {
  draw.strokeStyle = color;
  draw.lineWidth = width;
  for (const { x0, y0, x1, y1 } of arrows) {
    const bend = Math.max(LEAST_BEND, Math.min(MOST_BEND, Math.abs(x1 - x0) / 2 / ratio)) * ratio;
    const end = x1 - HEAD * ratio;
    draw.beginPath();
    draw.moveTo(x0, y0);
    draw.bezierCurveTo(x0 + bend, y0, end - bend, y1, end, y1);
    draw.stroke();
  }
}

function drawHead(draw: Draw, { x1, y1 }: Arrow, ratio: number, color: string): void {
  const size = HEAD * ratio;
  draw.fillStyle = color;
  draw.beginPath();
  draw.moveTo(x1, y1);
  draw.lineTo(x1 - 1.6 * size, y1 - 0.8 * size);
  draw.lineTo(x1 - 1.6 * size, y1 + 0.8 * size);
  draw.closePath();
  draw.fill();
}

/** A hatched frame: something that did not happen yet. */
function drawWait(draw: Draw, { ratio, theme, panel }: Stage, wait: NonNullable<ArrowPlan['wait']>): void {
  const { x0, x1, y, height } = wait;
  const line = Math.max(1, Math.round(ratio));
  draw.fillStyle = cssColor(panel, 0.8);
  draw.fillRect(x0, y, x1 - x0, height);
  draw.strokeStyle = theme.ink;
  draw.lineWidth = line;
  const step = HATCH * ratio;
  draw.beginPath();
  for (let x = x0 + step; x < x1 + height; x += step) {
    const [left, right] = [Math.max(x0, x - height), Math.min(x, x1)];
    draw.moveTo(left, y + x - left);
    draw.lineTo(right, y + x - right);
  }
  draw.stroke();
  draw.strokeRect(x0 + line / 2, y + line / 2, Math.max(0, x1 - x0 - line), height - line);
}

function drawNotes(draw: Draw, { ratio, theme, panel, font }: Stage, notes: ArrowPlan['notes']): void {
  draw.font = font;
  draw.textBaseline = 'middle';
  for (const { text, x, y, align } of notes) {
    const width = draw.measureText(text).width;
    const left = align === 'left' ? x : x - width;
    draw.fillStyle = cssColor(panel);
    draw.fillRect(left - 4 * ratio, y - 8 * ratio, width + 8 * ratio, 16 * ratio);
    draw.fillStyle = theme.ink;
    draw.textAlign = 'left';
    draw.fillText(text, left, y);
  }
}
