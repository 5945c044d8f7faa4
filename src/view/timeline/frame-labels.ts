import type { Layout } from './layout.ts';
import type { Draw } from './painter.ts';
import type { Tick } from './ruler.ts';
import { type Scale, xOf } from './viewport.ts';

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

const LEAST_SLOT_ROW = 13;
const BETWEEN = 14;
/** After the name of a worker that is gone. */
export const GONE = ' ✕';

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

/** Workers beside their rows, hosts above their workers, slots where rows are high enough. */
export function drawGutter(
  draw: Draw & Pick<CanvasRenderingContext2D, 'clearRect'>,
  layout: Layout,
  scroll: number,
  width: number,
  height: number,
  style: LabelStyle,
): void {
  const { ratio } = style;
  draw.fillStyle = style.panel;
  draw.fillRect(0, 0, width, height);
  draw.textBaseline = 'middle';
  const right = width - 8 * ratio;
  const slots = layout.rowHeight >= LEAST_SLOT_ROW * ratio;
  const slotRoom = slots ? 16 * ratio : 0;
  let below = Number.NEGATIVE_INFINITY;
  for (const [i, group] of layout.groups.entries()) {
    const top = group.y - scroll;
    if (i > 0 && !group.opensHost) {
      const gap = layout.groups[i - 1]!;
      draw.fillStyle = style.line;
      const y = Math.floor((gap.y + gap.height + group.y) / 2) - scroll;
      if (group.y - gap.y - gap.height >= 3) draw.fillRect(8 * ratio, y, width - 8 * ratio, 1);
    }
    if (top > height || top + group.height < -20 * ratio) continue;
    if (group.opensHost) {
      draw.font = style.smallFont;
      draw.textAlign = 'left';
      draw.fillStyle = style.faint;
      draw.fillText(cutMiddle(draw, group.host, width - 12 * ratio), 8 * ratio, top - 8 * ratio);
      below = Math.max(below, top - 2 * ratio);
    }
    // A label that would touch the one above it is left out; hovering still tells.
    const middle = Math.min(Math.max(top + group.height / 2, 7 * ratio), height - 7 * ratio);
    if (middle - 7 * ratio < below) continue;
    below = middle + BETWEEN * ratio - 7 * ratio;
    draw.font = style.font;
    draw.textAlign = 'right';
    draw.fillStyle = group.alive ? style.dim : style.faint;
    const label = group.alive ? group.label : group.label + GONE;
    draw.fillText(cutMiddle(draw, label, right - slotRoom - 6 * ratio), right - slotRoom, middle);
  }
  if (!slots) return;
  draw.font = style.smallFont;
  draw.textAlign = 'right';
  draw.fillStyle = style.faint;
  let group = -1;
  let slot = 0;
  for (const row of layout.rows) {
    slot = row.group === group ? slot + 1 : 0;
    group = row.group;
    const y = row.y - scroll + row.height / 2;
    if (y > 0 && y < height) draw.fillText(String(slot), right, y);
  }
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
