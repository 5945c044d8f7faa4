import { expect, test } from 'vitest';
import { type Area, AreaTool, bandsOf } from './area.ts';
import type { Layout } from './drawing/layout.ts';
import { scaleOf, TimeBase } from './moving/viewport.ts';
import type { Timeline } from './timeline.ts';

/** Rows of 10 pixels: tracks 0 and 1, then a folded group of 2 to 4, then 5. */
const rows = [[0], [1], [2, 3, 4], [5]].map((tracks, place) => ({ tracks, y: place * 10, height: 10 }));
const places = new Map(rows.flatMap(({ tracks }, place) => tracks.map((track) => [track, place] as const)));
const layout = { rows, places, height: 40 } as unknown as Layout;

/** 100 pixels wide, 1 ms a pixel, from 1,000 s on; edges snap to whole 10 ms within 2 pixels. */
function tool(): { area: AreaTool; told: [Area | null, boolean][] } {
  const base = new TimeBase(1_000e6);
  const view = { since: 0, until: 100_000 };
  const stage = { layout, scroll: 0, height: 40, ratio: 1, scaleFor: () => scaleOf(view, 100) };
  const timeline = {
    camera: { base, view, perPixel: 1_000 },
    stage,
    selection: {
      snapped: (x: number) => {
        const near = Math.round(x / 10) * 10;
        return base.absolute((Math.abs(near - x) <= 2 ? near : x) * 1_000);
      },
    },
    redraw: () => {},
  } as unknown as Timeline;
  const told: [Area | null, boolean][] = [];
  const area = new AreaTool(timeline, (next, done) => told.push([next, done]));
  return { area, told };
}
const at = (ms: number): number => 1_000e6 + ms * 1_000;

test('a corner that is dragged takes the rows and the time between, snapped to slices', () => {
  const { area, told } = tool();
  const drag = area.grab({ x: 61, y: 22 }, true);
  drag?.move({ x: 40, y: 15 });
  expect(told).toEqual([[{ since: at(40), until: at(60), tracks: new Set([1, 2, 3, 4]) }, false]]);
  drag?.end({ x: 25, y: 12 });
  expect(told[1]).toEqual([{ since: at(25), until: at(60), tracks: new Set([1, 2, 3, 4]) }, true]);
});

test('an edge moves, and past the other one they change places; a second finger takes it back', () => {
  const { area, told } = tool();
  const before = { since: at(25), until: at(60), tracks: new Set([1]) };
  area.area = before;
  expect(area.grab({ x: 60, y: 35 }, false)).toBe(null);
  expect(area.grab({ x: 45, y: 15 }, false)).toBe(null);
  const drag = area.grab({ x: 62, y: 15 }, false);
  drag?.move({ x: 15, y: 15 });
  expect(told.at(-1)).toEqual([{ since: at(15), until: at(25), tracks: before.tracks }, false]);
  drag?.cancel();
  expect(told.at(-1)).toEqual([before, true]);
});

test('what is in view, and a slip of the hand', () => {
  const { area, told } = tool();
  expect(area.ofView()).toEqual({ since: at(0), until: at(100), tracks: new Set([0, 1, 2, 3, 4, 5]) });
  area.grab({ x: 50, y: 5 }, true)?.end({ x: 51, y: 5 });
  expect(told).toEqual([[null, true]]);
});

test('rows that follow one another are one band', () => {
  expect(bandsOf(layout, new Set([0, 3, 5]))).toEqual([
    [0, 10],
    [20, 40],
  ]);
  expect(bandsOf(layout, null)).toEqual([[0, 40]]);
});
