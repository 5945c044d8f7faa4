import { listenTo } from '../listen.ts';
import { wheelPixels } from '../timeline/moving/gestures.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** A press on a label folds or pins its group; a drag scrolls; the pointer shows what there is to press. Returns an undo. */
export function listenGutter(gutter: HTMLElement, timeline: Timeline): () => void {
  let pressed: { y: number; last: number; moved: boolean } | null = null;
  const ratio = (): number => globalThis.devicePixelRatio || 1;
  const placeAt = (event: PointerEvent): ReturnType<typeof timeline.stage.gutterAt> => {
    const box = gutter.getBoundingClientRect();
    return timeline.stage.gutterAt((event.clientX - box.left) * ratio(), (event.clientY - box.top) * ratio());
  };
  const down = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    pressed = { y: event.clientY, last: event.clientY, moved: false };
    gutter.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    if (pressed !== null) {
      if (Math.abs(event.clientY - pressed.y) > 4) pressed.moved = true;
      if (pressed.moved) timeline.scrollBy((pressed.last - event.clientY) * ratio());
      pressed.last = event.clientY;
      return;
    }
    const place = placeAt(event);
    timeline.pointGutter(place?.key ?? null);
    gutter.style.cursor = place === null || place.act === 'none' ? 'default' : 'pointer';
    gutter.title = place === null ? '' : titleOf(place.label, place.act);
  };
  const up = (event: PointerEvent): void => {
    const clicked = pressed !== null && !pressed.moved && event.type === 'pointerup';
    pressed = null;
    const place = clicked ? placeAt(event) : null;
    if (place?.act === 'fold') timeline.fold(place.key);
    else if (place?.act === 'pin') timeline.pinRows(place.key);
  };
  const leave = (): void => timeline.pointGutter(null);
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    timeline.scrollBy(wheelPixels(event).y * ratio());
  };
  return listenTo(gutter, {
    pointerdown: down,
    pointermove: move,
    pointerup: up,
    pointercancel: up,
    pointerleave: leave,
    wheel,
  });
}

function titleOf(label: string, act: 'fold' | 'pin' | 'none'): string {
  if (act === 'none') return label;
  return act === 'fold' ? `${label}: fold or unfold (G)` : `${label}: first, or back to its place (T)`;
}
