import { type Scale, xOf } from '../moving/viewport.ts';
import type { Draw } from './painter.ts';
import type { Tick } from './ruler.ts';

/** What labels around the plot are drawn with; lengths in device pixels. */
export interface LabelStyle {
  readonly ratio: number;
  readonly font: string;
  readonly smallFont: string;
  readonly ink: string;
  readonly dim: string;
  readonly faint: string;
  readonly line: string;
  readonly panel: string;
}

/** Cuts `text` to `room` pixels. Names share beginnings, so it is the middle that goes. */
export function cutMiddle(draw: Pick<Draw, 'measureText'>, text: string, room: number): string {
  if (draw.measureText(text).width <= room) return text;
  for (let keep = Math.min(text.length - 1, 60); keep >= 3; keep--) {
    const head = Math.ceil(keep / 3);
    const cut = `${text.slice(0, head)}…${text.slice(text.length - (keep - head))}`;
    if (draw.measureText(cut).width <= room) return cut;
  }
  return '';
}

/** Clock times under the plot; the leading and the trailing one stay inside. `left` is where the plot begins. */
export function drawRuler(
  draw: Draw,
  ticks: readonly Tick[],
  scale: Scale,
  left: number,
  width: number,
  height: number,
  style: LabelStyle,
): void {
  const { ratio } = style;
  draw.fillStyle = style.panel;
  draw.fillRect(0, 0, width, height);
  draw.font = style.smallFont;
  draw.textBaseline = 'middle';
  draw.textAlign = 'center';
  let taken = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    const x = left + xOf(scale, tick.time);
    if (x < left - 1 || x > width + 1) continue;
    draw.fillStyle = style.line;
    draw.fillRect(Math.round(x), 0, Math.max(1, Math.round(ratio)), 4 * ratio);
    const room = draw.measureText(tick.label).width;
    const at = Math.max(room / 2 + 2 * ratio, Math.min(width - room / 2 - 2 * ratio, x));
    if (at - room / 2 < taken) continue;
    taken = at + room / 2 + 6 * ratio;
    draw.fillStyle = tick.major ? style.dim : style.faint;
    draw.fillText(tick.label, at, height / 2 + 2 * ratio);
  }
}
