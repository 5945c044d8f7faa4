import { lowerBound } from '../../../base/bisect.ts';
import {
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
  plainCategory,
  UNMATCHED,
} from '../../../model/task-state.ts';
import type { TrackSlices } from '../../../store/detail/window-data.ts';
import { type Scale, xOf } from '../moving/viewport.ts';
import { blueOf, greenOf, mix, type Pixel, pixel, redOf } from './pixels.ts';
import type { Paint, PixelBuffer, RowStrip } from './scanline.ts';

/** What is worked out once for a track's slices, as long as they do not change. */
export interface SliceIndex {
  /** 1: a transfer or disk access during a compute, drawn in the lane over it. */
  readonly lane: Uint8Array;
  /** The latest stop up to here: where a view may begin to look. */
  readonly latestStop: Float64Array;
}

/** This much of a row is the upper lane. */
export const UPPER_LANE = 1 / 3;
/** A slice this wide (pixels) is drawn crisp, from whole pixel to whole pixel; thinner ones blend by what they cover. */
const CRISP = 2;
/** From this width on, a pixel at a slice's end stays free, so that neighbours of one colour are told apart. */
const SEPARATED = 4;
/** A pixel with a slice in it shows at least this much of its colour: a task of microseconds must not look like none. */
const LEAST_SEEN = 0.4;
/** Period of the hatching of lost tasks, pixels. */
const HATCH = 6;
/** Clocks are read in whole microseconds; neighbours may seem to overlap by that. */
const TOUCHING = 2;

const indexes = new WeakMap<TrackSlices, SliceIndex>();

export function indexOf(slices: TrackSlices): SliceIndex {
  let index = indexes.get(slices);
  if (index === undefined) {
    index = makeIndex(slices);
    indexes.set(slices, index);
  }
  return index;
}

function moves(category: number): boolean {
  const plain = plainCategory(category);
  return plain === CATEGORY_TRANSFER || plain === CATEGORY_DISK;
}

function makeIndex({ length, category, start, stop }: TrackSlices): SliceIndex {
  const lane = new Uint8Array(length);
  const latestStop = new Float64Array(length);
  let latest = Number.NEGATIVE_INFINITY;
  let computeStop = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    latest = Math.max(latest, stop[i]!);
    latestStop[i] = latest;
    if (moves(category[i]!)) {
      if (start[i]! + TOUCHING < computeStop) lane[i] = 1;
    } else computeStop = Math.max(computeStop, stop[i]!);
  }
  let computeStart = Number.POSITIVE_INFINITY;
  for (let i = length - 1; i >= 0; i--) {
    if (!moves(category[i]!)) computeStart = start[i]!;
    else if (computeStart + TOUCHING < stop[i]!) lane[i] = 1;
  }
  return { lane, latestStop };
}

/** Slices that touch [since, until): every one of them lies in [from, to), with some others between them. */
export function slicesWithin(slices: TrackSlices, since: number, until: number): readonly [number, number] {
  const { latestStop } = indexOf(slices);
  const from = lowerBound(latestStop, since, 0, slices.length);
  return [from, lowerBound(slices.start, until, from, slices.length)];
}

/**
 * Writes a row of single slices: computes over the whole height, transfers and disk accesses before them likewise, those during
 * a compute in the upper third; errors last, at least one pixel wide. `epoch` is the stream's base in epoch microseconds.
 */
export function drawSlices(
  buffer: PixelBuffer,
  strip: RowStrip,
  scale: Scale,
  slices: TrackSlices,
  epoch: number,
  paint: Paint,
): void {
  const { lane } = indexOf(slices);
  const since = (scale.column + strip.from) * scale.perPixel + epoch;
  const until = (scale.column + strip.to) * scale.perPixel + epoch;
  const [from, to] = slicesWithin(slices, since, until);
  const upper = { ...strip, height: Math.max(1, Math.round(strip.height * UPPER_LANE)) };
  const main = new LanePainter(buffer, strip, paint.idle, scale.column);
  let lanes = 0;
  let errors = 0;
  for (let i = from; i < to; i++) {
    const category = slices.category[i]!;
    if (lane[i] === 1) lanes++;
    else if (plainCategory(category) === CATEGORY_ERRED) errors++;
    else {
      const x0 = xOf(scale, slices.start[i]! - epoch);
      const x1 = xOf(scale, slices.stop[i]! - epoch);
      main.paint(x0, x1, paint.colors[category]!, plainCategory(category) === CATEGORY_LOST, !moves(category));
    }
  }
  main.finish();
  if (lanes > 0) {
    const over = new LanePainter(buffer, upper, null, scale.column);
    for (let i = from; i < to; i++) {
      if (lane[i] === 0) continue;
      const x0 = xOf(scale, slices.start[i]! - epoch);
      over.paint(x0, xOf(scale, slices.stop[i]! - epoch), paint.colors[slices.category[i]!]!, false, false);
    }
    over.finish();
  }
  if (errors === 0) return;
  // What does not match never lies over what does.
  for (const category of [UNMATCHED + CATEGORY_ERRED, CATEGORY_ERRED]) {
    for (let i = from; i < to; i++) {
      if (slices.category[i] !== category) continue;
      const x0 = Math.round(xOf(scale, slices.start[i]! - epoch));
      const x1 = Math.max(x0 + 1, Math.round(xOf(scale, slices.stop[i]! - epoch)));
      drawErred(buffer, strip, x0, x1, paint.colors[category]!, category === CATEGORY_ERRED ? paint.outline : null);
    }
  }
}

/** Black, with an outline where the panel is dark; one that has no room for both is all outline, for it must be seen. */
function drawErred(
  buffer: PixelBuffer,
  strip: RowStrip,
  x0: number,
  x1: number,
  black: Pixel,
  outline: Pixel | null,
): void {
  const line = outline ?? black;
  const left = Math.max(strip.from, x0);
  const right = Math.min(strip.to, x1);
  for (let r = 0; r < strip.height; r++) {
    const edge = r === 0 || r === strip.height - 1;
    const at = (strip.y + r) * buffer.stride;
    for (let x = left; x < right; x++) {
      buffer.pixels[at + x] = edge || x === x0 || x === x1 - 1 ? line : black;
    }
  }
}

/**
 * Paints slices of one lane from left to right. What is thinner than a pixel adds up in that pixel by the part of it that it
 * covers, and is seen however thin; a slice that begins before the last one ended (clocks) is cut there.
 */
class LanePainter {
  readonly #buffer: PixelBuffer;
  readonly #strip: RowStrip;
  readonly #idle: Uint32Array | null;
  /** Everything left of here is written. */
  #done: number;
  #end = Number.NEGATIVE_INFINITY;
  #covered = 0;
  #red = 0;
  #green = 0;
  #blue = 0;

  readonly #phase: number;

  /** Without `idle` the lane lies over what is there already. `column`: the hatching moves with the columns. */
  constructor(buffer: PixelBuffer, strip: RowStrip, idle: Uint32Array | null, column: number) {
    this.#phase = ((column % HATCH) + HATCH) % HATCH;
    this.#buffer = buffer;
    this.#strip = strip;
    this.#idle = idle;
    this.#done = strip.from;
  }

  paint(start: number, stop: number, color: Pixel, hatched: boolean, separated: boolean): void {
    let x0 = Math.max(start, this.#end, this.#strip.from);
    let x1 = Math.min(stop, this.#strip.to);
    if (x1 <= x0) return;
    this.#end = x1;
    const wide = stop - start;
    if (wide >= CRISP) {
      x0 = Math.max(Math.round(x0), this.#strip.from);
      const end = Math.round(stop);
      x1 = Math.min(separated && wide >= SEPARATED ? end - 1 : end, this.#strip.to);
      if (x1 <= x0) return;
    }
    // A crisp slice takes what is free of a pixel that thin ones share.
    if (wide >= CRISP && x0 === this.#done && this.#covered > 0) this.#blend(x0++, 1, color);
    this.#spread(x0, x1, color, hatched);
  }

  /** From fraction to fraction of a pixel. */
  #spread(x0: number, x1: number, color: Pixel, hatched: boolean): void {
    const first = Math.floor(x0);
    const last = Math.floor(x1);
    if (first === last) {
      this.#blend(first, x1 - x0, color);
      return;
    }
    if (x0 > first) this.#blend(first, first + 1 - x0, color);
    const from = Math.ceil(x0);
    if (last > from) {
      this.#idleUpTo(from);
      this.#fill(from, last, color, hatched);
    }
    if (x1 > last) this.#blend(last, x1 - last, color);
  }

  finish(): void {
    this.#idleUpTo(this.#strip.to);
  }

  #blend(x: number, part: number, color: Pixel): void {
    if (x < this.#done || part <= 0) return;
    this.#idleUpTo(x);
    const share = Math.min(part, 1 - this.#covered);
    this.#red += redOf(color) * share;
    this.#green += greenOf(color) * share;
    this.#blue += blueOf(color) * share;
    this.#covered += share;
  }

  /** Writes the pixel that was being blended, and idle time up to `x`. */
  #idleUpTo(x: number): void {
    if (this.#covered > 0 && this.#done < x) {
      const at = this.#done++;
      const lift = Math.max(1, LEAST_SEEN / this.#covered);
      const idle = 1 - this.#covered * lift;
      this.#eachLine(at, at + 1, (under) =>
        pixel(
          Math.round(this.#red * lift + redOf(under) * idle),
          Math.round(this.#green * lift + greenOf(under) * idle),
          Math.round(this.#blue * lift + blueOf(under) * idle),
        ),
      );
      this.#covered = this.#red = this.#green = this.#blue = 0;
    }
    if (x <= this.#done) return;
    if (this.#idle !== null) {
      const line = this.#idle.subarray(this.#done, x);
      for (let r = 0; r < this.#strip.height; r++) {
        this.#buffer.pixels.set(line, (this.#strip.y + r) * this.#buffer.stride + this.#done);
      }
    }
    this.#done = x;
  }

  #fill(from: number, to: number, color: Pixel, hatched: boolean): void {
    const { pixels, stride } = this.#buffer;
    for (let r = 0; r < this.#strip.height; r++) {
      const at = (this.#strip.y + r) * stride;
      if (!hatched) pixels.fill(color, at + from, at + to);
      else {
        for (let x = from; x < to; x++) {
          const under = this.#idle === null ? color : this.#idle[x]!;
          pixels[at + x] = (x + r + this.#phase) % HATCH < HATCH / 2 ? color : mix(color, under, 0.25);
        }
      }
    }
    this.#done = to;
  }

  #eachLine(from: number, to: number, color: (under: Pixel) => Pixel): void {
    const { pixels, stride } = this.#buffer;
    for (let r = 0; r < this.#strip.height; r++) {
      for (let x = from; x < to; x++) {
        const at = (this.#strip.y + r) * stride + x;
        pixels[at] = color(this.#idle === null ? pixels[at]! : this.#idle[x]!);
      }
    }
  }
}

/** A place on a slice that is wide enough for its name. */
export interface SliceLabel {
  readonly fn: number;
  readonly category: number;
  readonly x: number;
  readonly width: number;
}

/** Computes of a row that are at least `least` pixels wide within [0, scale.width), widest parts only; none that have faded. */
export function labelsOf(slices: TrackSlices, scale: Scale, epoch: number, least: number): SliceLabel[] {
  const since = scale.column * scale.perPixel + epoch;
  const until = (scale.column + scale.width) * scale.perPixel + epoch;
  const [from, to] = slicesWithin(slices, since, until);
  const labels: SliceLabel[] = [];
  let done = 0;
  for (let i = from; i < to; i++) {
    const category = slices.category[i]!;
    if (category >= UNMATCHED) continue;
    if (category < CATEGORY_FUNCTION && category !== CATEGORY_ERRED && category !== CATEGORY_LOST) continue;
    const start = Math.max(0, xOf(scale, slices.start[i]! - epoch));
    const stop = Math.min(scale.width, xOf(scale, slices.stop[i]! - epoch));
    // Where clocks make two overlap, their names do not: an error lies above, any other one is cut as its slice is.
    const above = category === CATEGORY_ERRED;
    const before = labels.at(-1);
    if (above && before !== undefined && before.x + before.width > start) {
      labels.pop();
      if (start - before.x >= least) labels.push({ ...before, width: start - before.x });
    }
    const x = above ? start : Math.max(start, done);
    done = Math.max(done, stop);
    if (stop - x >= least) labels.push({ fn: slices.fn[i]!, category, x, width: stop - x });
  }
  return labels;
}
