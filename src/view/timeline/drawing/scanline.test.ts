import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATEGORY_DISK, CATEGORY_ERRED, CATEGORY_FUNCTION, CATEGORY_TRANSFER } from '../../../model/task-state.ts';
import type { TrackShares } from '../../../store/detail/window-data.ts';
import type { Scale } from '../moving/viewport.ts';
import { blueOf, greenOf, type Pixel, pixel, redOf } from './pixels.ts';
import { type Paint, Scanline } from './scanline.ts';

const PANEL = pixel(250, 250, 250);
const COLORS = Uint32Array.from({ length: 20 }, (_, i) => pixel((i * 37) % 200, (i * 91) % 200, (i * 53) % 200));
COLORS[CATEGORY_ERRED] = pixel(0, 0, 0);
COLORS[CATEGORY_TRANSFER] = pixel(229, 72, 77);

interface Entry {
  readonly bin: number;
  readonly category: number;
  readonly busy: number;
}

function sharesOf(entries: readonly Entry[], lanes = 1): TrackShares {
  const sorted = [...entries].sort((a, b) => a.bin - b.bin || a.category - b.category);
  return {
    length: sorted.length,
    lanes,
    bin: Uint16Array.from(sorted, (e) => e.bin),
    category: Uint16Array.from(sorted, (e) => e.category),
    busy: Uint32Array.from(sorted, (e) => e.busy),
  };
}

function paintOf(width: number, outline: Pixel | null = null): Paint {
  return { colors: COLORS, idle: new Uint32Array(width).fill(PANEL), outline };
}

function draw(entries: readonly Entry[], scale: Scale, height: number, width: number, paint = paintOf(scale.width)) {
  const pixels = new Uint32Array(scale.width * height);
  const strip = { y: 0, height, from: 0, to: scale.width };
  const buffer = { pixels, stride: scale.width };
  new Scanline().drawShares(buffer, strip, scale, sharesOf(entries), { start: 0, width }, paint);
  return (x: number, r: number): Pixel => pixels[r * scale.width + x]!;
}

/** What a column must look like, worked out the slow way: every pixel as the mean of 200 lines through it. */
function bruteColumn(entries: readonly Entry[], scale: Scale, height: number, binWidth: number, x: number): number[][] {
  const since = (scale.column + x) * scale.perPixel;
  const until = since + scale.perPixel;
  const busy = new Map<number, number>();
  for (const { bin, category, busy: b } of entries) {
    const inside = Math.max(0, Math.min(until, (bin + 1) * binWidth) - Math.max(since, bin * binWidth));
    if (b * inside > 0) busy.set(category, (busy.get(category) ?? 0) + (b * inside) / binWidth);
  }
  const order = [...busy.keys()].sort((a, b) => a - b);
  const total = [...busy.values()].reduce((a, b) => a + b, 0);
  const scaleTo = height / Math.max(scale.perPixel, total);
  const heights = order.map((c) => busy.get(c)! * scaleTo);
  if (order[0] === CATEGORY_ERRED) {
    const rest = heights.slice(1).reduce((a, b) => a + b, 0);
    heights[0] = Math.max(1, heights[0]!);
    const shrink = Math.min(1, (height - heights[0]) / Math.max(rest, 1e-12));
    for (let i = 1; i < heights.length; i++) heights[i]! *= shrink;
  }
  const LINES = 200;
  return Array.from({ length: height }, (_, r) => {
    const sum = [0, 0, 0];
    for (let line = 0; line < LINES; line++) {
      let depth = r + (line + 0.5) / LINES;
      let color = PANEL;
      for (const [i, category] of order.entries()) {
        if (depth < heights[i]!) {
          color = COLORS[category]!;
          break;
        }
        depth -= heights[i]!;
      }
      sum[0]! += redOf(color);
      sum[1]! += greenOf(color);
      sum[2]! += blueOf(color);
    }
    return sum.map((v) => v / LINES);
  });
}

const BIN = 64;
const entriesArbitrary = fc
  .uniqueArray(
    fc.record({
      bin: fc.integer({ min: 0, max: 20 }),
      category: fc.constantFrom(CATEGORY_ERRED, CATEGORY_TRANSFER, CATEGORY_DISK, 8, 9, 10, 15),
      busy: fc.integer({ min: 0, max: BIN }),
    }),
    { selector: (e) => `${e.bin}/${e.category}`, maxLength: 60 },
  )
  // Most of the time a thread does one thing at a time; sometimes transfers overlap and a bin is more than full.
  .map((entries) => entries.map((e) => ({ ...e, busy: Math.floor(e.busy / (entries.length % 5 === 0 ? 1 : 7)) })));

describe('Scanline', () => {
  it('draws what brute force draws, for any shares, zoom and height', () => {
    fc.assert(
      fc.property(
        entriesArbitrary,
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 3, max: 200, noNaN: true }),
        fc.integer({ min: -5, max: 30 }),
        (entries, height, perPixel, column) => {
          const scale = { perPixel, column, width: 8 };
          const at = draw(entries, scale, height, BIN);
          for (let x = 0; x < scale.width; x++) {
            const expected = bruteColumn(entries, scale, height, BIN, x);
            for (let r = 0; r < height; r++) {
              const p = at(x, r);
              const got = [redOf(p), greenOf(p), blueOf(p)];
              // 200 lines resolve a colour step of 250 to 1.25 a boundary; a pixel may hold a few boundaries.
              for (let c = 0; c < 3; c++) expect(Math.abs(got[c]! - expected[r]![c]!)).toBeLessThanOrEqual(6);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows an error of any length at least one pixel high, in any company', () => {
    fc.assert(
      fc.property(
        entriesArbitrary,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 4, max: 4_000_000 }),
        (entries, height, bins) => {
          const error = { bin: 3, category: CATEGORY_ERRED, busy: 1 };
          const others = entries.filter((e) => e.bin !== 3 || e.category !== CATEGORY_ERRED);
          const at = draw([...others, error], { perPixel: BIN * bins, column: 0, width: 1 }, height, BIN);
          expect(at(0, 0)).toBe(COLORS[CATEGORY_ERRED]);
        },
      ),
    );
  });

  it('lets 1 % read as nearly idle and makes a row of one pixel a pure blend', () => {
    const scale = { perPixel: 100, column: 0, width: 1 };
    const one = draw([{ bin: 0, category: CATEGORY_FUNCTION, busy: 1 }], scale, 10, 100);
    expect(one(0, 9)).toBe(PANEL);
    expect(Math.abs(redOf(one(0, 0)) - redOf(PANEL))).toBeLessThanOrEqual(25);
    const half = draw([{ bin: 0, category: CATEGORY_TRANSFER, busy: 50 }], scale, 1, 100)(0, 0);
    expect([redOf(half), greenOf(half), blueOf(half)]).toEqual([240, 161, 164]);
  });

  it('stacks erred, transfer, disk and functions by colour from the top, idle below', () => {
    const entries = [
      { bin: 0, category: 10, busy: 20 },
      { bin: 0, category: CATEGORY_TRANSFER, busy: 10 },
      { bin: 0, category: CATEGORY_ERRED, busy: 10 },
      { bin: 0, category: 8, busy: 20 },
      { bin: 0, category: CATEGORY_DISK, busy: 10 },
    ];
    const at = draw(entries, { perPixel: 100, column: 0, width: 1 }, 10, 100);
    const column = Array.from({ length: 10 }, (_, r) => at(0, r));
    const [e, t, d, f0, f2] = [CATEGORY_ERRED, CATEGORY_TRANSFER, CATEGORY_DISK, 8, 10].map((c) => COLORS[c]!);
    expect(column).toEqual([e, t, d, f0, f0, f2, f2, PANEL, PANEL, PANEL]);
  });

  it('outlines errors where the panel is dark, and is all outline where there is room for one pixel', () => {
    const light = pixel(230, 230, 230);
    const scale = { perPixel: 100, column: 0, width: 1 };
    const tall = draw([{ bin: 0, category: CATEGORY_ERRED, busy: 40 }], scale, 10, 100, paintOf(1, light));
    expect([0, 1, 2, 3, 4].map((r) => tall(0, r))).toEqual([0, 0, 0].map(() => COLORS[0]).concat([light, PANEL]));
    expect(draw([{ bin: 0, category: CATEGORY_ERRED, busy: 1 }], scale, 10, 100, paintOf(1, light))(0, 0)).toBe(light);
  });

  it('sums coarser and finer bins to the same columns', () => {
    const fine = Array.from({ length: 64 }, (_, i) => ({ bin: i, category: 8 + (i % 3), busy: (i * 7) % 17 }));
    const coarse = new Map<string, Entry>();
    for (const { bin, category, busy } of fine) {
      const key = `${bin >> 2}/${category}`;
      coarse.set(key, { bin: bin >> 2, category, busy: (coarse.get(key)?.busy ?? 0) + busy });
    }
    const scale = { perPixel: 64, column: 0, width: 16 };
    const a = draw(fine, scale, 13, 16);
    const b = draw([...coarse.values()], scale, 13, 64);
    for (let x = 0; x < 16; x++) for (let r = 0; r < 13; r++) expect(a(x, r)).toBe(b(x, r));
  });

  it('tells the shares of a column for hovering', () => {
    const scanline = new Scanline();
    const shares = sharesOf([
      { bin: 1, category: 9, busy: 32 },
      { bin: 2, category: CATEGORY_TRANSFER, busy: 64 },
    ]);
    expect([...scanline.sharesAt(shares, { start: 0, width: BIN }, 64, 192)]).toEqual([
      [CATEGORY_TRANSFER, 0.5],
      [9, 0.25],
    ]);
    expect([...scanline.sharesAt(shares, { start: 0, width: BIN }, 300, 400)]).toEqual([]);
  });

  it('shows the sum of several tracks as a part of their wall time together', () => {
    const sum = sharesOf([{ bin: 1, category: 9, busy: 6 * BIN }], 8);
    expect([...new Scanline().sharesAt(sum, { start: 0, width: BIN }, BIN, 2 * BIN)]).toEqual([[9, 0.75]]);
  });
});
