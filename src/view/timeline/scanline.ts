import { lowerBound } from '../../base/bisect.ts';
import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../../model/task-state.ts';
import type { TrackShares } from '../../store/window-data.ts';
import { blueOf, greenOf, type Pixel, pixel, redOf } from './pixels.ts';
import { type Scale, timeAt } from './viewport.ts';

/** A picture that rows are written into: `stride` pixels a line. */
export interface PixelBuffer {
  readonly pixels: Uint32Array;
  readonly stride: number;
}

/** Where a row stands in the picture, and which of its columns are to be written: [from, to). */
export interface RowStrip {
  readonly y: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
}

/** Colours by category. `outline` marks black that would drown in a dark panel; null where it does not. */
export interface Paint {
  readonly colors: Uint32Array;
  /** What idle time looks like, one a column: the panel, or a grid line. */
  readonly idle: Uint32Array;
  readonly outline: Pixel | null;
}

/** Shares on their way to pixels: bins of 2^level µs; bin b of the data covers the stream's times from `start` + b * 2^level. */
export interface BinGrid {
  readonly start: number;
  readonly width: number;
}

/**
 * From the top down: erred, transfer, disk, then grays, then functions in the order of their colours. What is rare and bad lies
 * in one place.
 */
export function stackOrder(category: number): number {
  switch (category) {
    case CATEGORY_ERRED:
      return 0;
    case CATEGORY_TRANSFER:
      return 1;
    case CATEGORY_DISK:
      return 2;
    case CATEGORY_DESERIALIZE:
      return 3;
    case CATEGORY_LOST:
      return 4;
    default:
      return category;
  }
}

/** Less of a pixel than this is rounding. */
const EPSILON = 1e-6;

/**
 * Writes rows of shares: every pixel column shows how its time was spent, top down, with idle time below. Pixel r of a row of
 * height H covers the shares [r / H, (r + 1) / H) and has the mean colour of what lies there, so that 1 % reads as nearly idle
 * and a row one pixel high is a pure blend. Two declared exceptions: erred time is at least one pixel high, and where
 * transfers overlap computes (more than all of the time is busy) everything shrinks alike.
 */
export class Scanline {
  #busy = new Float64Array(64);
  #touched = new Uint32Array(64);
  #heights = new Float64Array(65);
  #colors = new Uint32Array(65);
  #count = 0;

  /** `grid` says where bins lie in the stream's time; columns outside of the data are idle. */
  drawShares(
    buffer: PixelBuffer,
    strip: RowStrip,
    scale: Scale,
    shares: TrackShares,
    grid: BinGrid,
    paint: Paint,
  ): void {
    const { bin, length } = shares;
    const left = timeAt(scale, strip.from);
    let first = firstEntry(shares, Math.floor((left - grid.start) / grid.width));
    for (let column = strip.from; column < strip.to; column++) {
      const since = timeAt(scale, column);
      const until = timeAt(scale, column + 1);
      while (first < length && grid.start + (bin[first]! + 1) * grid.width <= since) first++;
      if (first === length || grid.start + bin[first]! * grid.width >= until) {
        this.#writeIdle(buffer, strip, column, paint.idle[column]!);
        continue;
      }
      this.#collect(shares, first, grid, since, until);
      this.#writeColumn(buffer, strip, column, scale.perPixel, paint);
    }
  }

  drawIdle(buffer: PixelBuffer, strip: RowStrip, idle: Uint32Array): void {
    const line = idle.subarray(strip.from, strip.to);
    for (let r = 0; r < strip.height; r++) buffer.pixels.set(line, (strip.y + r) * buffer.stride + strip.from);
  }

  /** The shares of one column by category, 0..1 each: what hovering says. */
  sharesAt(shares: TrackShares, grid: BinGrid, since: number, until: number): Map<number, number> {
    let first = firstEntry(shares, Math.floor((since - grid.start) / grid.width));
    while (first < shares.length && grid.start + (shares.bin[first]! + 1) * grid.width <= since) first++;
    this.#collect(shares, first, grid, since, until);
    const found = new Map<number, number>();
    for (let i = 0; i < this.#count; i++) {
      const category = this.#touched[i]!;
      found.set(category, this.#busy[category]! / (until - since));
      this.#busy[category] = 0;
    }
    return found;
  }

  /** Busy time by category within [since, until), each bin counted by the part of it that lies inside; touched in stack order. */
  #collect(shares: TrackShares, first: number, grid: BinGrid, since: number, until: number): void {
    const { bin, category, busy, length } = shares;
    let count = 0;
    for (let i = first; i < length; i++) {
      const start = grid.start + bin[i]! * grid.width;
      if (start >= until) break;
      const inside = Math.min(until, start + grid.width) - Math.max(since, start);
      const time = (busy[i]! * inside) / grid.width;
      if (time <= 0) continue;
      const c = category[i]!;
      if (c >= this.#busy.length) this.#growCategories(c);
      if (this.#busy[c] === 0) {
        if (count === this.#touched.length) this.#growStack(count);
        // Insertion keeps the order; there are few categories in a column and most come sorted.
        let at = count++;
        const order = stackOrder(c);
        while (at > 0 && stackOrder(this.#touched[at - 1]!) > order) {
          this.#touched[at] = this.#touched[at - 1]!;
          at--;
        }
        this.#touched[at] = c;
      }
      this.#busy[c]! += time;
    }
    this.#count = count;
  }

  #writeColumn(buffer: PixelBuffer, strip: RowStrip, column: number, perPixel: number, paint: Paint): void {
    const { height } = strip;
    const busy = this.#busy;
    const touched = this.#touched;
    let total = 0;
    for (let i = 0; i < this.#count; i++) total += busy[touched[i]!]!;
    const scale = height / Math.max(perPixel, total);
    let segments = 0;
    let next = 0;
    let room = height;
    let rest = total * scale;
    if (this.#count > 0 && touched[0] === CATEGORY_ERRED) {
      const share = busy[CATEGORY_ERRED]! * scale;
      busy[CATEGORY_ERRED] = 0;
      next = 1;
      rest -= share;
      if (share > 0) {
        const erred = Math.max(1, share);
        const line = paint.outline === null ? 0 : 1;
        if (erred > line) segments = this.#segment(segments, erred - line, paint.colors[CATEGORY_ERRED]!);
        if (line > 0) segments = this.#segment(segments, line, paint.outline!);
        room -= erred;
      }
    }
    // Room that an error took beyond its share is taken from idle time, then from the rest alike.
    const shrink = rest > room ? Math.max(0, room / rest) : 1;
    for (; next < this.#count; next++) {
      const category = touched[next]!;
      segments = this.#segment(segments, busy[category]! * scale * shrink, paint.colors[category]!);
      busy[category] = 0;
    }
    writeStack(buffer, strip, column, this.#heights, this.#colors, segments, paint.idle[column]!);
  }

  #segment(at: number, height: number, color: Pixel): number {
    this.#heights[at] = height;
    this.#colors[at] = color;
    return at + 1;
  }

  #writeIdle(buffer: PixelBuffer, strip: RowStrip, column: number, idle: Pixel): void {
    let at = strip.y * buffer.stride + column;
    for (let r = 0; r < strip.height; r++, at += buffer.stride) buffer.pixels[at] = idle;
  }

  #growCategories(least: number): void {
    const wider = new Float64Array(2 ** Math.ceil(Math.log2(least + 1)));
    wider.set(this.#busy);
    this.#busy = wider;
  }

  #growStack(least: number): void {
    const wider = new Uint32Array(least * 2);
    wider.set(this.#touched);
    this.#touched = wider;
    // One more than there are categories: an error may have an outline.
    this.#heights = new Float64Array(least * 2 + 1);
    this.#colors = new Uint32Array(least * 2 + 1);
  }
}

/** The first entry of a bin >= `bin`. */
function firstEntry(shares: TrackShares, bin: number): number {
  return bin <= 0 ? 0 : lowerBound(shares.bin, bin, 0, shares.length);
}

/** Writes `segments` from the top of a strip's column down, and idle time below; heights in pixels, fractions blended. */
export function writeStack(
  buffer: PixelBuffer,
  strip: RowStrip,
  column: number,
  heights: Float64Array,
  colors: Uint32Array,
  segments: number,
  idle: Pixel,
): void {
  const { pixels, stride } = buffer;
  const end = (strip.y + strip.height) * stride + column;
  let at = strip.y * stride + column;
  // The pixel that is being filled: how much of it is covered so far, and by what.
  let covered = 0;
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let i = 0; i < segments && at < end; i++) {
    const color = colors[i]!;
    let left = heights[i]!;
    if (covered > 0) {
      const part = Math.min(left, 1 - covered);
      red += redOf(color) * part;
      green += greenOf(color) * part;
      blue += blueOf(color) * part;
      covered += part;
      left -= part;
      if (covered < 1 - EPSILON) continue;
      pixels[at] = pixel(Math.round(red), Math.round(green), Math.round(blue));
      at += stride;
      covered = 0;
    }
    for (; left >= 1 - EPSILON && at < end; left -= 1, at += stride) pixels[at] = color;
    if (left > EPSILON && at < end) {
      covered = left;
      red = redOf(color) * left;
      green = greenOf(color) * left;
      blue = blueOf(color) * left;
    }
  }
  if (covered > 0 && at < end) {
    const part = 1 - covered;
    pixels[at] = pixel(
      Math.round(red + redOf(idle) * part),
      Math.round(green + greenOf(idle) * part),
      Math.round(blue + blueOf(idle) * part),
    );
    at += stride;
  }
  for (; at < end; at += stride) pixels[at] = idle;
}
