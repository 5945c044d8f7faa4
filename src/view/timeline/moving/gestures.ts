import { listenTo } from '../../listen.ts';
import type { Minimap } from '../drawing/minimap.ts';
import { span } from './viewport.ts';

/** What pointers and wheels ask of a stream; positions and lengths in CSS pixels of the plot. */
export interface GestureTarget {
  pan(pixels: number): void;
  scroll(pixels: number): void;
  zoom(x: number, factor: number): void;
  point(at: { x: number; y: number } | null): void;
  /** A press and release in one place. */
  pick(x: number, y: number): void;
  follow(): void;
  /** What a press takes hold of; null: the plot, which is panned. */
  grab(at: { x: number; y: number }, event: PointerEvent): Drag | null;
}

/** Something other than the plot that a pointer drags: the edge of an area, say. A press without a move still picks. */
export interface Drag {
  move(at: { x: number; y: number }): void;
  end(at: { x: number; y: number }): void;
  /** A second finger came, or the browser took the pointer away: as if nothing had been dragged. */
  cancel(): void;
}

/** A pointer that moves less than this between press and release clicks, CSS pixels: hands shake, mice slip. */
const CLICK = 4;
const WHEEL_ZOOM = 0.0016;
/** A pinch on a trackpad comes as a wheel with Ctrl held, in much smaller steps. */
const PINCH_ZOOM = 0.01;
const LINE = 16;
const PAGE = 400;

/** Wheel steps differ between devices and browsers: all as pixels. */
export function wheelPixels(event: Pick<WheelEvent, 'deltaX' | 'deltaY' | 'deltaMode'>): { x: number; y: number } {
  const unit = event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? PAGE : 1;
  return { x: event.deltaX * unit, y: event.deltaY * unit };
}

/** Wheel zooms at the pointer; sideways, or with Shift, it pans; with Alt it scrolls rows. */
export function wheel(event: WheelEvent, x: number, target: GestureTarget): void {
  const by = wheelPixels(event);
  event.preventDefault();
  if (event.altKey) target.scroll(by.y);
  else if (event.shiftKey) target.pan(by.x === 0 ? by.y : by.x);
  else if (event.ctrlKey) target.zoom(x, Math.exp(Math.max(-60, Math.min(60, by.y)) * PINCH_ZOOM));
  else if (Math.abs(by.x) > Math.abs(by.y)) target.pan(by.x);
  else target.zoom(x, Math.exp(Math.max(-400, Math.min(400, by.y)) * WHEEL_ZOOM));
}

interface Finger {
  x: number;
  y: number;
}

/** Drag pans, two fingers pinch, a press without a move picks, a double one follows. Returns an undo. */
export function listen(plot: HTMLElement, target: GestureTarget): () => void {
  const fingers = new Map<number, Finger>();
  let pressed: { x: number; y: number; moved: boolean } | null = null;
  let drag: Drag | null = null;
  const cancel = (): void => {
    drag?.cancel();
    drag = null;
  };
  const place = (event: { clientX: number; clientY: number }): Finger => {
    const box = plot.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  const down = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && event.button !== 0 && event.button !== 1) return;
    const at = place(event);
    fingers.set(event.pointerId, at);
    plot.setPointerCapture(event.pointerId);
    pressed = fingers.size === 1 ? { ...at, moved: false } : pressed && { ...pressed, moved: true };
    if (fingers.size === 1) drag = target.grab(at, event);
    else cancel();
  };
  const move = (event: PointerEvent): void => {
    const at = place(event);
    const before = fingers.get(event.pointerId);
    if (before === undefined) {
      target.point(at);
      return;
    }
    if (fingers.size === 2) pinch(event.pointerId, before, at);
    else if (fingers.size === 1) {
      if (pressed !== null && Math.hypot(at.x - pressed.x, at.y - pressed.y) >= CLICK) pressed.moved = true;
      if (pressed?.moved === true && drag !== null) {
        drag.move(at);
        target.point(null);
      } else if (pressed?.moved === true) {
        target.pan(before.x - at.x);
        target.scroll(before.y - at.y);
        target.point(event.pointerType === 'mouse' ? at : null);
        plot.classList.add('grabbed');
      } else return;
    }
    fingers.set(event.pointerId, at);
  };
  const pinch = (id: number, before: Finger, at: Finger): void => {
    const other = [...fingers].find(([key]) => key !== id)?.[1];
    if (other === undefined) return;
    const was = Math.max(12, Math.abs(before.x - other.x));
    const is = Math.max(12, Math.abs(at.x - other.x));
    target.pan((before.x - at.x) / 2);
    target.zoom((at.x + other.x) / 2, was / is);
  };
  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return;
    plot.classList.remove('grabbed');
    if (drag !== null && event.type === 'pointerup' && pressed?.moved === true) {
      drag.end(place(event));
      drag = null;
    } else cancel();
    if (fingers.size === 0 && event.type === 'pointerup' && pressed?.moved === false) {
      target.point({ x: pressed.x, y: pressed.y });
      target.pick(pressed.x, pressed.y);
    }
    if (fingers.size === 0) pressed = null;
  };
  const leave = (): void => {
    if (fingers.size === 0) target.point(null);
  };
  const onWheel = (event: WheelEvent): void => wheel(event, place(event).x, target);
  const double = (): void => target.follow();

  return listenTo(plot, {
    pointerdown: down,
    pointermove: move,
    pointerup: up,
    pointercancel: up,
    pointerleave: leave,
    wheel: onWheel,
    dblclick: double,
  });
}

/** Dragging the frame on a minimap, or its edges; a press elsewhere brings the frame there. Returns an undo. */
export function listenMinimap(
  canvas: HTMLElement,
  minimap: Minimap,
  look: (view: { since: number; until: number }) => void,
): () => void {
  let held: { grip: ReturnType<Minimap['gripAt']>; from: number; view: { since: number; until: number } } | null = null;
  const place = (event: PointerEvent): number =>
    (event.clientX - canvas.getBoundingClientRect().left) * (globalThis.devicePixelRatio || 1);
  const down = (event: PointerEvent): void => {
    const from = place(event);
    let grip = minimap.gripAt(from);
    let { view } = minimap;
    if (grip === 'elsewhere') {
      const middle = minimap.timeAt(from);
      view = { since: middle - span(view) / 2, until: middle + span(view) / 2 };
      grip = 'view';
      look(view);
    }
    held = { grip, from, view };
    canvas.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const x = place(event);
    if (held !== null) look(minimap.dragged(held.view, held.grip, held.from, x));
    const grip = held?.grip ?? minimap.gripAt(x);
    canvas.dataset.grip = grip === 'since' || grip === 'until' ? 'edge' : grip;
  };
  const up = (): void => {
    held = null;
  };
  return listenTo(canvas, { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up });
}
