import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  FIRST_GROUP,
  type SharesBatch,
  type SlicesBatch,
  type TrackView,
  type WindowQuery,
} from '../../../model/batch.ts';
import { CATEGORY_FUNCTION, CATEGORY_TRANSFER } from '../../../model/task-state.ts';
import { WindowData } from '../../../store/detail/window-data.ts';
import { colorsOf } from '../../colors.ts';
import { layoutOf } from '../../rows/rows.fixture.ts';
import { streamColors } from './colors.ts';
import { Picture, type PictureInput } from './picture.ts';

const EPOCH = 1_789_999_999_967_232; // A multiple of 2^16 µs.
const LEVEL = 10;
const BIN = 2 ** LEVEL;
const TRACKS = 3;

/** The pixels that a picture would put on a canvas, by its own margin. */
function pixelsOf(picture: Picture): Uint32Array {
  let data = new Uint32Array(0);
  const putImageData = (image: ImageData, _x: number, _y: number, _left = 0, top = 0, width = 0, height = 0): void => {
    data = new Uint32Array(image.data.buffer).slice(top * width, (top + height) * width);
  };
  picture.paint({ putImageData });
  return data;
}

/** The largest difference of any channel of any pixel; fractions of pixels may round to either side. */
function furthest(a: Uint32Array, b: Uint32Array): number {
  const [left, right] = [new Uint8Array(a.buffer), new Uint8Array(b.buffer)];
  return left.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - right[i]!)),
    Math.abs(left.length - right.length),
  );
}

beforeAll(() => {
  // Node has no ImageData; the picture needs only that it holds what it is given.
  globalThis.ImageData ??= class {
    readonly data: Uint8ClampedArray;
    readonly width: number;
    readonly height: number;
    constructor(data: Uint8ClampedArray, width: number, height: number) {
      this.data = data;
      this.width = width;
      this.height = height;
    }
  } as unknown as typeof ImageData;
});

const query = (over: Partial<WindowQuery> = {}): WindowQuery => ({
  since: EPOCH,
  until: null,
  level: LEVEL,
  functions: null,
  maxSlices: 100,
  ...over,
});

/** Shares of a few tracks up to bin `bins`, the same for the same bin. */
function shares(data: WindowData, bins: number, from = 0, reset = true): void {
  const bin: number[] = [];
  const category: number[] = [];
  const busy: number[] = [];
  const offset = [0];
  for (let track = 0; track < TRACKS; track++) {
    for (let b = from; b < bins; b++) {
      bin.push(b, b);
      category.push(CATEGORY_TRANSFER, CATEGORY_FUNCTION + 1 + ((b >> 3) % 4));
      busy.push((b * 37) % 100, (b * 91 + track * 50) % 900);
    }
    offset.push(bin.length);
  }
  const batch: SharesBatch = {
    mode: 'shares',
    seq: 1,
    now: 1,
    query: query(),
    reset,
    level: LEVEL,
    firstBin: EPOCH / BIN,
    track: Uint32Array.from({ length: TRACKS }, (_, i) => i),
    from: new Uint32Array(TRACKS).fill(from),
    offset: Uint32Array.from(offset),
    bin: Uint16Array.from(bin),
    category: Uint16Array.from(category),
    busy: Uint32Array.from(busy),
  };
  data.apply(batch);
}

/** Groups of these tracks, which come as slices. */
const GROUPS = [
  { row: FIRST_GROUP, ranges: [0, 2] },
  { row: FIRST_GROUP + 1, ranges: [2, TRACKS] },
];

function slices(data: WindowData, count: number, from = 0, groups?: typeof GROUPS): void {
  const rows = Array.from({ length: count - from }, (_, i) => from + i);
  const batch: SlicesBatch = {
    mode: 'slices',
    seq: 1,
    now: 1,
    query: query(groups === undefined ? {} : { groups }),
    reset: from === 0,
    record: Uint32Array.from(rows),
    track: Uint32Array.from(rows, (i) => i % TRACKS),
    category: Uint32Array.from(rows, (i) => (i % 7 === 0 ? CATEGORY_TRANSFER : CATEGORY_FUNCTION + 1 + (i % 3))),
    fn: Uint32Array.from(rows, (i) => i % 3),
    start: Float64Array.from(rows, (i) => EPOCH + i * 700),
    stop: Float64Array.from(rows, (i) => EPOCH + i * 700 + 1_900),
  };
  data.apply(batch);
}

const tracks: TrackView[] = Array.from({ length: TRACKS }, (_, i) => ({
  track: i,
  worker: i,
  address: `tcp://10.0.0.1:${i}`,
  name: `w${i}`,
  host: '10.0.0.1',
  slot: 0,
  alive: true,
}));
const layout = layoutOf(tracks, { height: 40, ratio: 1 });
const colors = streamColors(colorsOf('dark'), 8);

function input(main: WindowData | null, column: number, over: Partial<PictureInput> = {}): PictureInput {
  const width = 90;
  const perPixel = 2_000;
  // Grid lines every 50 columns of the stream.
  const gridLines = Array.from({ length: 20 }, (_, i) => (Math.ceil(column / 50) + i) * 50 - column);
  const scale = { perPixel, column, width };
  return {
    scale,
    layout,
    scroll: 0,
    height: 40,
    main,
    groups: null,
    overview: null,
    epoch: EPOCH,
    colors,
    least: 0,
    gridLines,
    ...over,
  };
}

/** Rows that do not fit: they scroll. */
const low = layoutOf(tracks, { height: 20, ratio: 1 });
const lowGroups = layoutOf(
  GROUPS.map(({ row }, i) => ({ ...tracks[i]!, track: row })),
  { height: 20, ratio: 1 },
);
const moves = fc.oneof(fc.constant(0), fc.integer({ min: -40, max: 60 }));
/** How often data come between two pictures; seldom more often than is kept in mind. */
const growths = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constant(0), fc.integer({ min: 14, max: 19 }));
const scrolls = fc.integer({ min: 0, max: Math.max(0, low.height - 20) });

describe('Picture', () => {
  for (const kind of ['shares', 'slices', 'groups'] as const) {
    const add = {
      shares: (data: WindowData, to: number, from: number) => shares(data, to, Math.max(0, from - 2), from === 0),
      slices: (data: WindowData, to: number, from: number) => slices(data, to, from),
      groups: (data: WindowData, to: number, from: number) => slices(data, to, from, GROUPS),
    }[kind];
    it(`draws ${kind} the same whether it reuses what it has or draws all anew`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(moves, growths, scrolls, fc.boolean()), { maxLength: 12 }), (steps) => {
          const data = new WindowData();
          const kept = new Picture();
          let column = 0;
          let end = 120;
          add(data, end, 0);
          const shown = (over: Partial<PictureInput>): PictureInput =>
            kind === 'groups'
              ? input(null, column, { ...over, groups: data, layout: lowGroups })
              : input(data, column, { ...over, layout: low });
          kept.update(shown({}));
          for (const [by, times, scroll, zooms] of steps) {
            const over = { scroll, least: zooms ? data.level + 2 : 0 };
            column += by;
            for (let i = 0; i < times; i++, end += 20) {
              add(data, end + 20, end);
              // What asks in between makes sums that no picture is drawn of.
              for (const { row } of GROUPS) data.sharesOf(row);
            }
            kept.update(shown(over));
            const fresh = new Picture();
            fresh.update(shown(over));
            expect(furthest(pixelsOf(kept), pixelsOf(fresh))).toBeLessThanOrEqual(1);
          }
        }),
        { numRuns: 60 },
      );
    });
  }

  it('draws only what came into view on a pan, and nothing when nothing changed', () => {
    const data = new WindowData();
    shares(data, 200);
    const picture = new Picture();
    picture.update(input(data, 0));
    expect(picture.columnsDrawn).toBe(90 * TRACKS);
    picture.update(input(data, 7));
    expect(picture.columnsDrawn).toBe(7 * TRACKS);
    expect(picture.update(input(data, 7))).toBe(false);
    expect(picture.columnsDrawn).toBe(0);
    // Ends that are moved are rounded, each by itself: the view is longer or shorter by next to nothing.
    const moved = input(data, 12);
    picture.update({ ...moved, scale: { ...moved.scale, perPixel: moved.scale.perPixel * (1 + 1e-13) } });
    expect(picture.columnsDrawn).toBe(5 * TRACKS);
  });

  it('draws only the end of a row when its data grow at the end', () => {
    const data = new WindowData();
    shares(data, 100);
    const picture = new Picture();
    picture.update(input(data, 0));
    shares(data, 104, 100, false);
    picture.update(input(data, 0));
    expect(picture.columnsDrawn).toBeLessThan(45 * TRACKS);
  });

  it('fills columns that the view has no data for from the overview', () => {
    const main = new WindowData();
    slices(main, 60);
    // What a window covers is what its query says.
    main.query = query({ since: EPOCH + 40_000, until: EPOCH + 80_000 });
    const overview = new WindowData();
    shares(overview, 200);
    const both = new Picture();
    both.update(input(main, 0, { overview }));
    const overviewOnly = new Picture();
    overviewOnly.update(input(null, 0, { overview }));
    const mainOnly = new Picture();
    mainOnly.update(input(main, 0));
    const [a, b, c] = [both, overviewOnly, mainOnly].map(pixelsOf);
    for (let y = 0; y < 40; y++) {
      for (let x = 0; x < 90; x++) {
        const at = y * 90 + x;
        expect(a![at]).toBe(x >= 20 && x < 40 ? c![at] : b![at]);
      }
    }
  });
});
