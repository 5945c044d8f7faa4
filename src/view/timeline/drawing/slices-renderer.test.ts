import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
  UNMATCHED,
} from '../../../model/task-state.ts';
import type { TrackSlices } from '../../../store/detail/window-data.ts';
import { sliceAt, stepSlice } from './hit-test.ts';
import { type Pixel, pixel, redOf } from './pixels.ts';
import { drawSlices, indexOf, labelsOf, slicesWithin } from './slices-renderer.ts';

const INC = CATEGORY_FUNCTION;
const DEC = CATEGORY_FUNCTION + 1;
const LETTERS: Record<string, number> = {
  I: UNMATCHED + INC,
  E: UNMATCHED + CATEGORY_ERRED,
  i: INC,
  d: DEC,
  t: CATEGORY_TRANSFER,
  e: CATEGORY_ERRED,
  l: CATEGORY_LOST,
};
const PANEL = pixel(255, 255, 255);
const OUTLINE = pixel(200, 200, 200);
const COLORS = new Uint32Array(UNMATCHED + 16).fill(pixel(9, 9, 9));
COLORS[UNMATCHED + INC] = pixel(220, 230, 240);
COLORS[UNMATCHED + CATEGORY_ERRED] = pixel(222, 222, 222);
COLORS[INC] = pixel(50, 100, 200);
COLORS[DEC] = pixel(0, 160, 0);
COLORS[CATEGORY_TRANSFER] = pixel(229, 72, 77);
COLORS[CATEGORY_ERRED] = pixel(0, 0, 0);
COLORS[CATEGORY_LOST] = pixel(120, 120, 120);
const EPOCH = 1_790_000_000_000_000;

type Drawn = readonly [category: number, start: number, stop: number];

function slicesOf(drawn: readonly Drawn[]): TrackSlices {
  const sorted = [...drawn].sort((a, b) => a[1] - b[1]);
  return {
    length: sorted.length,
    record: Uint32Array.from(sorted.keys()),
    category: Uint32Array.from(sorted, (s) => s[0]),
    fn: Uint32Array.from(sorted, (s) => Math.max(0, s[0] - CATEGORY_FUNCTION)),
    start: Float64Array.from(sorted, (s) => EPOCH + s[1]),
    stop: Float64Array.from(sorted, (s) => EPOCH + s[2]),
  };
}

function render(drawn: readonly Drawn[], width: number, height = 3, perPixel = 10, outline: Pixel | null = OUTLINE) {
  const pixels = new Uint32Array(width * height);
  drawSlices(
    { pixels, stride: width },
    { y: 0, height, from: 0, to: width },
    { perPixel, column: 0, width },
    slicesOf(drawn),
    EPOCH,
    { colors: COLORS, idle: new Uint32Array(width).fill(PANEL), outline },
  );
  return (x: number, y: number): Pixel => pixels[y * width + x]!;
}

/** A row of pixels as letters; `.` idle, `o` outline, `?` anything blended. */
function picture(at: (x: number, y: number) => Pixel, width: number, y: number): string {
  return Array.from({ length: width }, (_, x) => {
    const p = at(x, y);
    if (p === PANEL) return '.';
    if (p === OUTLINE) return 'o';
    return Object.keys(LETTERS).find((l) => COLORS[LETTERS[l]!] === p) ?? '?';
  }).join('');
}

describe('drawSlices', () => {
  it('draws crisp slices, a transfer before its task, and tells neighbours apart', () => {
    const at = render(
      [
        [CATEGORY_TRANSFER, 20, 40],
        [INC, 40, 100],
        [INC, 100, 160],
        [DEC, 203, 241],
      ],
      26,
    );
    expect(picture(at, 26, 0)).toBe('..tt' + 'iiiii.' + 'iiiii.' + '....dddd' + '..');
    expect(picture(at, 26, 2)).toBe(picture(at, 26, 0));
  });

  it('puts a transfer during a compute into the upper third', () => {
    const at = render(
      [
        [INC, 0, 100],
        [CATEGORY_TRANSFER, 30, 60],
      ],
      10,
    );
    expect(picture(at, 10, 0)).toBe('iiittt' + 'iii.');
    expect(picture(at, 10, 1)).toBe('iiiiiiiii.');
    const early = render(
      [
        [CATEGORY_TRANSFER, 0, 50],
        [INC, 30, 100],
      ],
      10,
    );
    expect(picture(early, 10, 0)).toBe('ttttt' + 'iiii.');
    expect(picture(early, 10, 2)).toBe('...iiiiii.');
  });

  it('draws what does not match in its own colours, never over what does, and without names', () => {
    const drawn: Drawn[] = [
      [UNMATCHED + INC, 0, 50],
      [UNMATCHED + CATEGORY_TRANSFER, 20, 40],
      [INC, 50, 100],
      [UNMATCHED + CATEGORY_ERRED, 100, 150],
      // Of a pixel that two errors share, the one that matches is seen.
      [CATEGORY_ERRED, 152, 153],
      [UNMATCHED + CATEGORY_ERRED, 154, 155],
    ];
    const at = render(drawn, 17);
    expect(picture(at, 17, 1)).toBe('IIII.' + 'iiii.' + 'EEEEE' + 'o.');
    expect([at(2, 0), at(4, 0)]).toEqual([pixel(9, 9, 9), PANEL]);
    const scale = { perPixel: 10, column: 0, width: 17 };
    expect(labelsOf(slicesOf(drawn), scale, EPOCH, 3).map(({ x }) => x)).toEqual([5]);
  });

  it('draws errors last, outlined in the dark, and never thinner than a pixel', () => {
    const at = render(
      [
        [INC, 0, 50],
        [CATEGORY_ERRED, 50, 100],
        [DEC, 100, 150],
      ],
      15,
    );
    expect(picture(at, 15, 0)).toBe('iiii.' + 'ooooo' + 'dddd.');
    expect(picture(at, 15, 1)).toBe('iiii.' + 'oeeeo' + 'dddd.');
    const thin = render(
      [
        [INC, 0, 50],
        [CATEGORY_ERRED, 52, 53],
        [DEC, 60, 150],
      ],
      15,
      3,
      10,
      null,
    );
    expect(picture(thin, 15, 1)[5]).toBe('e');
  });

  it('hatches what was lost', () => {
    const row = picture(render([[CATEGORY_LOST, 0, 120]], 12), 12, 0);
    expect(row.slice(0, 6)).toBe('lll???');
  });

  it('blends what is thinner than a pixel by what it covers, exactly, and leaves none unseen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { maxLength: 12 }),
        (parts) => {
          // Slices and holes behind one another, all narrower than a pixel of 10 µs.
          let time = 0;
          const drawn: Drawn[] = [];
          const covered = new Float64Array(40);
          for (const [hole, wide] of parts) {
            const start = time + hole;
            time = start + wide;
            if (wide > 0) drawn.push([INC, start, time]);
            for (let t = start; t < time; t++) covered[Math.floor(t / 10)]! += 0.1;
          }
          const at = render(drawn, 40);
          for (let x = 0; x < 40; x++) {
            const part = covered[x] === 0 ? 0 : Math.max(0.4, covered[x]!);
            const expected = 255 + (redOf(COLORS[INC]!) - 255) * part;
            expect(Math.abs(redOf(at(x, 1)) - expected)).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it('writes every pixel of the strip, and none outside, whatever there is to draw', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom(INC, DEC, CATEGORY_TRANSFER, CATEGORY_ERRED, CATEGORY_LOST),
            fc.integer({ min: -200, max: 400 }),
            fc.integer({ min: 0, max: 150 }),
          ),
          { maxLength: 30 },
        ),
        fc.double({ min: 0.5, max: 40, noNaN: true }),
        (parts, perPixel) => {
          const [width, height] = [20, 4];
          const pixels = new Uint32Array(width * (height + 2)).fill(1);
          const strip = { y: 1, height, from: 4, to: 16 };
          const slices = slicesOf(parts.map(([c, start, wide]) => [c, start, start + wide] as const));
          drawSlices({ pixels, stride: width }, strip, { perPixel, column: 0, width }, slices, EPOCH, {
            colors: COLORS,
            idle: new Uint32Array(width).fill(PANEL),
            outline: OUTLINE,
          });
          for (let y = 0; y < height + 2; y++) {
            for (let x = 0; x < width; x++) {
              const inside = y >= 1 && y <= height && x >= 4 && x < 16;
              expect(pixels[y * width + x] === 1).toBe(!inside);
            }
          }
        },
      ),
    );
  });

  it('finds what a view touches although a long slice began long before it', () => {
    const slices = slicesOf([
      [INC, 0, 1000],
      [CATEGORY_TRANSFER, 10, 20],
      [DEC, 1000, 1100],
      [DEC, 2000, 2100],
    ]);
    expect(slicesWithin(slices, EPOCH + 500, EPOCH + 600)).toEqual([0, 2]);
    expect(slicesWithin(slices, EPOCH + 1050, EPOCH + 3000)).toEqual([2, 4]);
    expect([...indexOf(slices).lane]).toEqual([0, 1, 0, 0]);
  });

  it('finds names for slices that are wide enough, in their visible part', () => {
    const slices = slicesOf([
      [INC, -500, 300],
      [CATEGORY_TRANSFER, 300, 900],
      [DEC, 900, 920],
    ]);
    const labels = labelsOf(slices, { perPixel: 10, column: 0, width: 100 }, EPOCH, 20);
    expect(labels).toEqual([{ fn: 0, category: INC, x: 0, width: 30 }]);
  });

  it('keeps names of slices apart that overlap since clocks differ', () => {
    const slices = slicesOf([
      [INC, 0, 300],
      [DEC, 250, 500],
      [INC, 260, 520],
      [DEC, 600, 900],
      [CATEGORY_ERRED, 700, 1000],
    ]);
    const labels = labelsOf(slices, { perPixel: 10, column: 0, width: 100 }, EPOCH, 5);
    expect(labels.map(({ category, x, width }) => [category, x, width])).toEqual([
      [INC, 0, 30],
      [DEC, 30, 20],
      [DEC, 60, 10],
      [CATEGORY_ERRED, 70, 30],
    ]);
  });
});

describe('sliceAt', () => {
  const slices = slicesOf([
    [INC, 0, 100],
    [CATEGORY_TRANSFER, 30, 60],
    [DEC, 100, 101],
    [CATEGORY_ERRED, 400, 500],
  ]);
  const at = (time: number, depth = 0.9, reach = 5) => sliceAt(slices, { time: EPOCH + time, reach, depth });

  it('finds what is under the pointer, by lane', () => {
    expect(at(50)).toBe(0);
    expect(at(50, 0.1)).toBe(1);
    expect(at(450)).toBe(3);
    expect(at(250)).toBe(-1);
  });

  it('reaches for thin slices, the nearest first', () => {
    expect(at(104)).toBe(2);
    expect(at(396)).toBe(3);
  });

  it('steps through a row', () => {
    expect(stepSlice(slices, -1, 1, EPOCH + 90)).toBe(0);
    expect(stepSlice(slices, -1, 1, EPOCH + 250)).toBe(3);
    expect(stepSlice(slices, -1, -1, EPOCH + 250)).toBe(2);
    expect(stepSlice(slices, 2, 1, 0)).toBe(3);
    expect(stepSlice(slices, 3, 1, 0)).toBe(-1);
  });
});
