import { cutMiddle, type LabelStyle } from '../timeline/drawing/frame-labels.ts';
import { groupsWithin, type Layout, type RowGroup } from '../timeline/drawing/layout.ts';
import type { Draw } from '../timeline/drawing/painter.ts';

const LEAST_SLOT_ROW = 13;
const BETWEEN = 14;
/** After the name of a worker that is gone. */
const GONE = ' ✕';
const FOLDED = '▸';
const OPEN = '▾';
const PIN = '●';
const TO_PIN = '○';
/** Places of signs, CSS pixels from the left. */
const SIGN = 5;
const PIN_SIGN = 18;
/** A press left of this pins, where the pointer shows it. */
const SIGNS_END = 28;

/** What a press on the gutter means. */
export interface GutterPlace {
  readonly act: 'fold' | 'pin' | 'none';
  readonly key: string;
  /** In full, for those whose label is cut. */
  readonly label: string;
}

/** Whether the slots of a worker have numbers beside them. */
export function showsSlots(layout: Layout, ratio: number): boolean {
  return layout.rowHeight >= LEAST_SLOT_ROW * ratio && layout.groups.length < layout.rows.length;
}

/**
 * Labels beside their rows, hosts above their workers, slots where rows are high enough, and signs to fold and pin by. `pointed` is
 * the key of the group under the pointer.
 */
export function drawGutter(
  draw: Draw,
  layout: Layout,
  scroll: number,
  width: number,
  height: number,
  style: LabelStyle,
  pointed: string | null,
): void {
  const { ratio } = style;
  draw.fillStyle = style.panel;
  draw.fillRect(0, 0, width, height);
  draw.textBaseline = 'middle';
  const slots = showsSlots(layout, ratio);
  const right = width - 8 * ratio;
  const slotRoom = slots ? 16 * ratio : 0;
  const [from, to] = groupsWithin(layout, scroll - 30 * ratio, scroll + height + 30 * ratio);
  let below = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const group = layout.groups[i]!;
    const top = group.y - scroll;
    if (i > 0 && group.band === null) {
      const gap = layout.groups[i - 1]!;
      draw.fillStyle = style.line;
      const y = Math.floor((gap.y + gap.height + group.y) / 2) - scroll;
      if (group.y - gap.y - gap.height >= 3) draw.fillRect(8 * ratio, y, width - 8 * ratio, 1);
    }
    if (group.band !== null) {
      draw.font = style.smallFont;
      draw.textAlign = 'left';
      draw.fillStyle = style.faint;
      const left = group.bandKey === null ? 8 * ratio : 17 * ratio;
      if (group.bandKey !== null) draw.fillText(OPEN, SIGN * ratio, top - 8 * ratio);
      draw.fillText(cutMiddle(draw, group.band, width - left - 4 * ratio), left, top - 8 * ratio);
      below = Math.max(below, top - 2 * ratio);
    }
    // A label that would touch the one above it is left out; hovering still tells.
    // In the part of the group that is on screen.
    const middle = (Math.max(0, top) + Math.min(height, top + group.height)) / 2;
    const cut = middle < 5 * ratio || middle > height - 5 * ratio;
    if (cut || middle - 6 * ratio < below) continue;
    below = middle + (BETWEEN - 7) * ratio - ratio;
    drawLabel(draw, group, middle, right - slotRoom, style, pointed);
  }
  if (slots) drawSlots(draw, layout, from, to, scroll, right, style);
}

function drawLabel(
  draw: Draw,
  group: RowGroup,
  middle: number,
  right: number,
  style: LabelStyle,
  pointed: string | null,
): void {
  const { ratio } = style;
  const isPointed = pointed === group.key;
  let left = 6 * ratio;
  draw.textAlign = 'left';
  draw.font = style.smallFont;
  if (group.folded !== null) {
    draw.fillStyle = isPointed ? style.ink : style.faint;
    draw.fillText(group.folded ? FOLDED : OPEN, SIGN * ratio, middle);
    left = (SIGN + 11) * ratio;
  }
  if (group.pinned || isPointed) {
    draw.fillStyle = style.dim;
    draw.fillText(group.pinned ? PIN : TO_PIN, PIN_SIGN * ratio, middle);
    left = SIGNS_END * ratio;
  }
  draw.font = style.font;
  draw.textAlign = 'right';
  draw.fillStyle = isPointed ? style.ink : group.alive ? style.dim : style.faint;
  const label = group.alive ? group.label : group.label + GONE;
  // The name matters more than how many there are.
  const counted = labelOf(group);
  const text = draw.measureText(counted).width <= right - left ? counted : cutMiddle(draw, label, right - left);
  draw.fillText(text, right, middle);
}

/** A group's name with the number of its rows while they are folded; of one that is gone, with a mark. */
export function labelOf({ alive, count, label }: RowGroup): string {
  return `${label}${count > 0 ? ` ×${count}` : ''}${alive ? '' : GONE}`;
}

function drawSlots(
  draw: Draw,
  layout: Layout,
  from: number,
  to: number,
  scroll: number,
  right: number,
  style: LabelStyle,
): void {
  draw.font = style.smallFont;
  draw.textAlign = 'right';
  draw.fillStyle = style.faint;
  const end = layout.groups[to]?.first ?? layout.rows.length;
  for (let i = layout.groups[from]?.first ?? end; i < end; i++) {
    const row = layout.rows[i]!;
    // One that is cut has no room for its number.
    if (row.query !== null || row.height < layout.rowHeight / 2) continue;
    draw.fillText(String(i - layout.groups[row.group]!.first), right, row.y - scroll + row.height / 2);
  }
}

/** What lies at a place of the gutter, device pixels. */
export function gutterAt(layout: Layout, scroll: number, ratio: number, x: number, y: number): GutterPlace | null {
  const at = y + scroll;
  const [from] = groupsWithin(layout, at, at + 1);
  const group = layout.groups[from];
  if (group === undefined) return null;
  if (at < group.y) {
    if (group.band === null || at < group.y - 17 * ratio) return null;
    return { act: group.bandKey === null ? 'none' : 'fold', key: group.bandKey ?? group.key, label: group.band };
  }
  const pins = x >= (PIN_SIGN - 3) * ratio && x < SIGNS_END * ratio;
  return { act: pins ? 'pin' : group.folded === null ? 'none' : 'fold', key: group.key, label: labelOf(group) };
}
