import { listenGutter } from '../../rows/gutter-input.ts';
import type { Minimap } from '../drawing/minimap.ts';
import type { StageElements } from '../drawing/stage.ts';
import type { Timeline } from '../timeline.ts';
import { type Drag, listen, listenMinimap } from './gestures.ts';

/** The canvases of a stream as the page holds them, and what is to be done with pointers on them. */
export interface PointerOptions {
  readonly timeline: Timeline;
  readonly elements: StageElements;
  readonly strip: HTMLCanvasElement | undefined;
  readonly minimap: Minimap | null;
  /** A press and release in one place, CSS pixels of the plot. */
  readonly onPick: (x: number, y: number) => void;
  readonly onFollow: () => void;
  readonly grab: (at: { x: number; y: number }, event: PointerEvent) => Drag | null;
}

/** Connects pointers, wheels and sizes of the canvases to a timeline. Returns an undo. */
export function connectPointer(options: PointerOptions): () => void {
  const { timeline, elements, strip, minimap } = options;
  const { plot, gutter, ruler } = elements;
  const ratio = (): number => globalThis.devicePixelRatio || 1;
  const sizes = new ResizeObserver(() => {
    const r = ratio();
    if (strip !== undefined) minimap?.resize(Math.round(strip.clientWidth * r), Math.round(strip.clientHeight * r), r);
    timeline.resize(Math.round(plot.clientWidth * r), Math.round(plot.clientHeight * r), r);
  });
  for (const canvas of [plot, gutter, ruler, strip]) if (canvas !== undefined) sizes.observe(canvas);
  const undo = [
    listenGutter(gutter, timeline),
    listen(plot, {
      pan: (pixels) => timeline.camera.panBy(pixels * ratio()),
      scroll: (pixels) => timeline.scrollBy(pixels * ratio()),
      zoom: (x, factor) => timeline.camera.zoomAt(x * ratio(), factor),
      point: (at) => timeline.point(at === null ? null : { x: at.x * ratio(), y: at.y * ratio() }),
      pick: options.onPick,
      follow: options.onFollow,
      grab: options.grab,
    }),
  ];
  if (strip !== undefined && minimap !== null)
    undo.push(listenMinimap(strip, minimap, (view) => timeline.camera.lookAt(view)));
  return () => {
    sizes.disconnect();
    for (const end of undo) end();
  };
}
