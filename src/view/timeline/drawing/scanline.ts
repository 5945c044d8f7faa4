import { lowerBound } from '../../../base/bisect.ts';
import { CATEGORY_ERRED } from '../../../model/task-state.ts';
import type { TrackShares } from '../../../store/detail/window-data.ts';
import { type Scale, timeAt } from '../moving/viewport.ts';
import type { Pixel } from './pixels.ts';

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

/** Less of a pixel than this is rounding. */
const EPSILON = 1e-6;
/** Up to so many pixels are written one by one. */
const SHORT = 12;

/**
 * Writes rows of shares: every pixel column shows how its time was spent, top down, with idle time below. Pixel r of a row of
 * height H covers the shares [r / H, (r + 1) / H) and has the mean colour of what lies there, so that 1 % reads as nearly idle
 * and a row one pixel high is a pure blend. Two declared exceptions: erred time is at least one pixel high, and where
 * transfers overlap computes (more than all of the time is busy) everything shrinks alike.
 */
export class Scanline {
  /** The column at work: categories in order, and their busy µs. */
  #categories = new Uint32Array(32);
  #busy = new Float64Array(32);
  #heights = new Float64Array(33);
  #colors = new Uint32Array(33);
  #count = 0;
  #segments = 0;

  /**
   * `grid` says where bins lie in the stream's time; columns outside of the data are idle. From the top down a column shows
   * categories by number: erred, transfer, disk, grays, then functions in the order of their colours.
   */
  drawShares(
    buffer: PixelBuffer,
    strip: RowStrip,
    scale: Scale,
    shares: TrackShares,
    grid: BinGrid,
    paint: Paint,
  ): void {
    const { bin, length } = shares;
    const { perPixel } = scale;
    const { idle } = paint;
    const left = timeAt(scale, strip.from);
    let first = firstEntry(shares, Math.floor((left - grid.start) / grid.width));
    for (let column = strip.from; column < strip.to; ) {
      // Times in bins: an entry of bin b covers [b, b + 1).
      const since = ((scale.column + column) * perPixel - grid.start) / grid.width;
      let until = ((scale.column + column + 1) * perPixel - grid.start) / grid.width;
      while (first < length && bin[first]! + 1 <= since) first++;
      const next = first < length ? bin[first]! : Number.POSITIVE_INFINITY;
      const nothing = next >= until;
      if (!nothing) {
        this.#collect(shares, first, since, until);
        this.#stack(strip.height, perPixel, paint);
        writeStack(buffer, strip, column, this.#heights, this.#colors, this.#segments, idle[column]!);
      }
      // Columns before the next entry look alike, and so do those within one bin.
      const alike = nothing ? next : next <= since ? next + 1 : Number.NEGATIVE_INFINITY;
      let end = column;
      while (end < strip.to && until <= alike) {
        end++;
        until = ((scale.column + end + 1) * perPixel - grid.start) / grid.width;
      }
      end = Math.max(end, column + 1);
      if (nothing) writeIdle(buffer, strip, column, end, idle);
      else if (end > column + 1) this.#repeat(buffer, strip, column, end, idle);
      column = end;
    }
  }

  /** Writes the column at work once more up to column `to`: idle time in it has grid lines of its own. */
  #repeat(buffer: PixelBuffer, strip: RowStrip, column: number, to: number, idle: Uint32Array): void {
    const { pixels, stride } = buffer;
    const wide = to - column;
    let at = strip.y * stride + column;
    for (let r = 0; r < strip.height; r++, at += stride) {
      const color = pixels[at]!;
      for (let x = at + 1; x < at + wide; x++) pixels[x] = color;
    }
    for (let x = column + 1; x < to; x++) {
      if (idle[x] === idle[column]) continue;
      writeStack(buffer, strip, x, this.#heights, this.#colors, this.#segments, idle[x]!);
    }
  }

  drawIdle(buffer: PixelBuffer, strip: RowStrip, idle: Uint32Array): void {
    writeIdle(buffer, strip, strip.from, strip.to, idle);
  }

  /** The shares of one column by category, 0..1 each: what hovering says. */
  sharesAt(shares: TrackShares, grid: BinGrid, since: number, until: number): Map<number, number> {
    const from = (since - grid.start) / grid.width;
    let first = firstEntry(shares, Math.floor(from));
    while (first < shares.length && shares.bin[first]! + 1 <= from) first++;
    this.#collect(shares, first, from, (until - grid.start) / grid.width);
    const found = new Map<number, number>();
    for (let i = 0; i < this.#count; i++) found.set(this.#categories[i]!, this.#busy[i]! / (until - since));
    return found;
  }

  /**
   * Busy time by category within [since, until), in bins; each bin counts by the part of it that lies inside. Entries come
   * sorted by bin and category: bins after the first are merged into what is there.
   */
  #collect({ bin, category, busy, length, lanes }: TrackShares, first: number, since: number, until: number): void {
    let categories = this.#categories;
    let times = this.#busy;
    let count = 0;
    let i = first;
    while (i < length) {
      const b = bin[i]!;
      if (b >= until) break;
      // The wall time of a sum of tracks is theirs together.
      const inside = (Math.min(until, b + 1) - Math.max(since, b)) / lanes;
      let at = 0;
      for (; i < length && bin[i] === b; i++) {
        const time = busy[i]! * inside;
        if (time <= 0) continue;
        const c = category[i]!;
        while (at < count && categories[at]! < c) at++;
        if (at < count && categories[at] === c) {
          times[at]! += time;
          continue;
        }
        if (count + 1 >= categories.length) {
          this.#grow();
          categories = this.#categories;
          times = this.#busy;
        }
        for (let j = count; j > at; j--) {
          categories[j] = categories[j - 1]!;
          times[j] = times[j - 1]!;
        }
        categories[at] = c;
        times[at] = time;
        count++;
      }
    }
    this.#count = count;
  }

  /** The heights and colours of the column at work. */
  #stack(height: number, perPixel: number, paint: Paint): void {
    const busy = this.#busy;
    const categories = this.#categories;
    const heights = this.#heights;
    const colors = this.#colors;
    const count = this.#count;
    let total = 0;
    for (let i = 0; i < count; i++) total += busy[i]!;
    const scale = height / Math.max(total, perPixel);
    let segments = 0;
    let next = 0;
    let shrink = scale;
    if (count > 0 && categories[0] === CATEGORY_ERRED) {
      next = 1;
      const share = busy[0]! * scale;
      const erred = Math.max(share, 1);
      const line = paint.outline === null ? 0 : 1;
      if (erred > line) {
        heights[segments] = erred - line;
        colors[segments++] = paint.colors[CATEGORY_ERRED]!;
      }
      if (line > 0) {
        heights[segments] = line;
        colors[segments++] = paint.outline!;
      }
      // Room that an error took beyond its share is taken from idle time, then from the rest alike.
      const rest = total * scale - share;
      const room = height - erred;
      if (rest > room) shrink = room > 0 ? (scale * room) / rest : 0;
    }
    for (; next < count; next++) {
      heights[segments] = busy[next]! * shrink;
      colors[segments++] = paint.colors[categories[next]!]!;
    }
    this.#segments = segments;
  }

  #grow(): void {
    const size = this.#categories.length * 2;
    const categories = new Uint32Array(size);
    categories.set(this.#categories);
    this.#categories = categories;
    const busy = new Float64Array(size);
    busy.set(this.#busy);
    this.#busy = busy;
    // One more than there are categories: an error may have an outline.
    this.#heights = new Float64Array(size + 1);
    this.#colors = new Uint32Array(size + 1);
  }
}

/** The first entry of a bin >= `bin`. */
function firstEntry(shares: TrackShares, bin: number): number {
  return bin <= 0 ? 0 : lowerBound(shares.bin, bin, 0, shares.length);
}

function writeIdle(buffer: PixelBuffer, strip: RowStrip, from: number, to: number, idle: Uint32Array): void {
  const { pixels, stride } = buffer;
  let at = strip.y * stride + from;
  if (to - from > SHORT) {
    const line = idle.subarray(from, to);
    for (let r = 0; r < strip.height; r++, at += stride) pixels.set(line, at);
    return;
  }
  for (let r = 0; r < strip.height; r++, at += stride) {
    for (let x = from; x < to; x++) pixels[at + x - from] = idle[x]!;
  }
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
  for (let i = 0; i <= segments && at < end; i++) {
    const last = i === segments;
    const color = last ? idle : colors[i]!;
    // Idle time takes all that is left.
    let left = last ? end : heights[i]!;
    if (covered > 0) {
      const part = Math.min(left, 1 - covered);
      red += (color & 0xff) * part;
      green += ((color >>> 8) & 0xff) * part;
      blue += ((color >>> 16) & 0xff) * part;
      covered += part;
      left -= part;
      if (covered < 1 - EPSILON) continue;
      pixels[at] = 0xff000000 | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5);
      at += stride;
      covered = 0;
    }
    for (; left >= 1 - EPSILON && at < end; left -= 1, at += stride) pixels[at] = color;
    if (left > EPSILON && at < end) {
      covered = left;
      red = (color & 0xff) * left;
      green = ((color >>> 8) & 0xff) * left;
      blue = ((color >>> 16) & 0xff) * left;
    }
  }
}
