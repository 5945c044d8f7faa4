import type { Micros } from '../../model/units.ts';
import type { Layout } from './drawing/layout.ts';
import type { Overlay, Scene } from './drawing/scene.ts';
import type { Drag } from './moving/gestures.ts';
import { xOf } from './moving/viewport.ts';
import type { Timeline } from './timeline.ts';

/** Rows times a range of time. */
export interface Area {
  readonly since: Micros;
  readonly until: Micros;
  /** Null: all rows there are. */
  readonly tracks: ReadonlySet<number> | null;
}

/** Pointers find an edge this far from it, CSS pixels. */
const NEAR = 6;
/** An area is at least so wide, CSS pixels: less is a slip of the hand. */
const LEAST = 3;
const SHADE = 0.1;

/** Selects an area of a stream by dragging, moves its edges, and draws it. */
export class AreaTool implements Overlay {
  readonly #timeline: Timeline;
  readonly #changed: (area: Area | null, done: boolean) => void;
  #area: Area | null = null;

  /** `changed` is told while an area is dragged and, with `done`, when it was let go. */
  constructor(timeline: Timeline, changed: (area: Area | null, done: boolean) => void) {
    this.#timeline = timeline;
    this.#changed = changed;
  }

  get area(): Area | null {
    return this.#area;
  }

  set area(area: Area | null) {
    this.#area = area;
    this.#timeline.redraw();
  }

  /** Everything that is in view: its time, and the rows that are on screen. */
  ofView(): Area | null {
    const { base, view } = this.#timeline.camera;
    if (base === null) return null;
    const { height, layout, scroll } = this.#timeline.stage;
    const tracks = tracksBetween(layout, scroll, scroll + height);
    return { since: Math.round(base.absolute(view.since)), until: Math.round(base.absolute(view.until)), tracks };
  }

  /** What a press at a place of the plot (CSS pixels) takes hold of: an edge of the area, or with `fresh` a corner of another one. */
  grab(at: { x: number; y: number }, fresh: boolean): Drag | null {
    const edge = fresh ? null : this.#edgeAt(at);
    if (edge !== null) return this.#dragEdge(edge);
    return fresh ? this.#dragCorner(at) : null;
  }

  /** Whether the pointer is at an edge that can be moved. */
  isEdge(at: { x: number; y: number }): boolean {
    return this.#edgeAt(at) !== null;
  }

  draw(
    draw: Parameters<Overlay['draw']>[0],
    { height, layout, ratio, scale, scroll, theme }: Parameters<Overlay['draw']>[1],
    { base }: Scene,
  ): void {
    if (this.#area === null) return;
    const { since, until, tracks } = this.#area;
    const x0 = Math.round(xOf(scale, base.relative(since)));
    const x1 = Math.max(x0 + 1, Math.round(xOf(scale, base.relative(until))));
    const left = Math.max(-4, x0);
    const right = Math.min(scale.width + 4, x1);
    if (right <= left) return;
    draw.lineWidth = Math.max(1, Math.round(1.5 * ratio));
    draw.strokeStyle = theme.accent;
    for (const [top, bottom] of bandsOf(layout, tracks)) {
      const y0 = Math.max(-4, top - scroll);
      const y1 = Math.min(height + 4, bottom - scroll);
      if (y1 <= y0) continue;
      draw.fillStyle = `${theme.accent}${Math.round(SHADE * 255).toString(16)}`;
      draw.fillRect(left, y0, right - left, y1 - y0);
      draw.strokeRect(left + 0.5, y0 + 0.5, right - left - 1, y1 - y0 - 1);
    }
  }

  #dragCorner(from: { x: number; y: number }): Drag {
    const before = this.#area;
    const scroll = this.#timeline.stage.scroll;
    // A corner keeps its time and row, whatever moves while it is dragged.
    const fixed = { time: this.#timeAt(from), y: from.y * this.#ratio + scroll };
    const move = (at: { x: number; y: number }): Area | null => {
      if (fixed.time === null) return null;
      const time = this.#timeAt(at);
      if (time === null) return null;
      const { layout, scroll } = this.#timeline.stage;
      const y = at.y * this.#ratio + scroll;
      const [top, bottom] = [Math.min(fixed.y, y), Math.max(fixed.y, y)];
      const wide = Math.abs(at.x - from.x) >= LEAST;
      return wide
        ? {
            since: Math.min(fixed.time, time),
            until: Math.max(fixed.time, time, Math.min(fixed.time, time) + 1),
            tracks: tracksBetween(layout, top, bottom),
          }
        : null;
    };
    return this.#dragging(move, before);
  }

  #dragEdge(edge: 'since' | 'until'): Drag {
    const before = this.#area!;
    return this.#dragging((at) => {
      const time = this.#timeAt(at);
      if (time === null) return before;
      const other = edge === 'since' ? before.until : before.since;
      return { ...before, since: Math.min(time, other), until: Math.max(time, other + (time === other ? 1 : 0)) };
    }, before);
  }

  #dragging(place: (at: { x: number; y: number }) => Area | null, before: Area | null): Drag {
    return {
      move: (at) => {
        this.area = place(at);
        this.#changed(this.#area, false);
      },
      end: (at) => {
        this.area = place(at) ?? before;
        this.#changed(this.#area, true);
      },
      cancel: () => {
        this.area = before;
        this.#changed(before, true);
      },
    };
  }

  get #ratio(): number {
    return this.#timeline.stage.ratio;
  }

  /** The time at a place, or the nearest start or stop of a slice in its row. */
  #timeAt({ x, y }: { x: number; y: number }): Micros | null {
    const { camera } = this.#timeline;
    return camera.base === null ? null : this.#timeline.selection.snapped(x * this.#ratio, y * this.#ratio);
  }

  #edgeAt({ x, y }: { x: number; y: number }): 'since' | 'until' | null {
    const { camera, stage } = this.#timeline;
    if (this.#area === null || camera.base === null) return null;
    const scale = stage.scaleFor(camera.view);
    const level = y * this.#ratio + stage.scroll;
    const inside = bandsOf(stage.layout, this.#area.tracks).some(([top, bottom]) => level >= top && level <= bottom);
    if (!inside) return null;
    for (const edge of ['since', 'until'] as const) {
      const at = xOf(scale, camera.base.relative(this.#area[edge]));
      if (Math.abs(at - x * this.#ratio) <= NEAR * this.#ratio) return edge;
    }
    return null;
  }
}

/** The tracks whose rows a strip of the stack touches. */
function tracksBetween({ places, rows }: Layout, top: number, bottom: number): ReadonlySet<number> {
  const touched = new Set<number>();
  for (const [track, place] of places) {
    const row = rows[place]!;
    if (row.y <= bottom && row.y + row.height >= top) touched.add(track);
  }
  return touched;
}

/** Where rows of these tracks lie, those that follow one another as one; null: the whole stack. */
export function bandsOf({ height, places, rows }: Layout, tracks: ReadonlySet<number> | null): [number, number][] {
  if (tracks === null) return [[0, height]];
  const chosen = new Set<number>();
  for (const track of tracks) {
    const place = places.get(track);
    if (place !== undefined) chosen.add(place);
  }
  const bands: [number, number][] = [];
  for (const [place, row] of rows.entries()) {
    if (!chosen.has(place)) continue;
    const open = chosen.has(place - 1) ? bands.at(-1) : undefined;
    if (open === undefined) bands.push([row.y, row.y + row.height]);
    else open[1] = row.y + row.height;
  }
  return bands;
}
