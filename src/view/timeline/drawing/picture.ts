import { FIRST_GROUP } from '../../../model/batch.ts';
import type { TrackShares, TrackSlices, WindowData } from '../../../store/detail/window-data.ts';
import { type Scale, sameColumns, xOf } from '../moving/viewport.ts';
import { askedTracks, covered } from '../moving/window-plan.ts';
import { binsOf, inShares, widenedOf, widerBy } from './coarser.ts';
import type { Layout, Row } from './layout.ts';
import { groupsWithin, rowsWithin } from './layout.ts';
import type { Pixel } from './pixels.ts';
import { type BinGrid, type Paint, type PixelBuffer, Scanline } from './scanline.ts';
import { drawSlices, indexOf } from './slices-renderer.ts';

/** Everything that a picture depends on. Objects that are the same as last time are taken to be unchanged. */
export interface PictureInput {
  readonly scale: Scale;
  readonly layout: Layout;
  /** Device pixels that the rows are scrolled by. */
  readonly scroll: number;
  readonly height: number;
  /** Data for the view. Where it has none, or none yet, the overview is drawn. */
  readonly main: WindowData | null;
  /** As `main`, for the rows of folded groups. */
  readonly groups: WindowData | null;
  readonly overview: WindowData | null;
  /** The stream's base, epoch µs. */
  readonly epoch: number;
  readonly colors: PictureColors;
  /** Shares are drawn in bins 2^least µs wide at least: coarser, while a view zooms. 0: in those that they came in. */
  readonly least: number;
  /** Columns with a grid line. */
  readonly gridLines: readonly number[];
}

export interface PictureColors {
  readonly categories: Uint32Array;
  readonly panel: Pixel;
  readonly grid: Pixel;
  readonly separator: Pixel;
  readonly outline: Pixel | null;
}

/** What a row was drawn from, by identity. */
interface Drawn {
  readonly main: TrackShares | TrackSlices | undefined;
  readonly overview: TrackShares | TrackSlices | undefined;
  /** Whether the view's data say anything of it, be it nothing. */
  readonly known: boolean;
}

/**
 * The rows of a stream as pixels, kept from frame to frame: a pan moves the columns that are there and draws those that come
 * in; new data redraw the rows that they belong to. The buffer reaches one row beyond the view on both sides, so that nothing
 * needs clipping.
 */
export class Picture {
  readonly #scanline = new Scanline();
  #pixels = new Uint32Array(0);
  #image: ImageData | null = null;
  #idle = new Uint32Array(0);
  /** What is drawn where data are still on their way: nobody is to take it for idle. */
  #unknown = new Uint32Array(0);
  #stride = 0;
  #margin = 0;
  #last: PictureInput | null = null;
  #window = '';
  #drawn = new Map<number, Drawn>();
  /** Columns written by the last `update`: what a test of reuse, and a bench, look at. */
  columnsDrawn = 0;

  /** Brings the pixels up to date; false when nothing changed. */
  update(input: PictureInput): boolean {
    const { scale, layout, height } = input;
    this.columnsDrawn = 0;
    this.#resize(scale.width, height, layout.rowHeight);
    const shift = this.#shift(input);
    this.#prepareIdle(input);
    const width = scale.width;
    // Columns that came into view.
    const [from, to] = shift === null ? [0, width] : shift >= 0 ? [width - shift, width] : [0, -shift];
    if (shift === null) this.#drawn.clear();
    else if (shift > 0) this.#pixels.copyWithin(0, shift);
    // Lines run on into one another: what comes over an edge lies in columns that are drawn anew.
    else if (shift < 0) this.#pixels.copyWithin(-shift, 0, this.#pixels.length + shift);
    if (shift !== null) this.#scroll(input);
    if (to > from) this.#background(input, from, to);
    let changed = to > from;
    const [first, last] = rowsWithin(layout, input.scroll, input.scroll + height);
    for (let i = first; i < last; i++) {
      const row = layout.rows[i]!;
      const drawn = this.#drawn.get(row.track);
      const now = drawnFrom(input, row.track);
      const stale =
        drawn === undefined || drawn.main !== now.main || drawn.overview !== now.overview || drawn.known !== now.known;
      const [a, b] = stale
        ? [Math.min(from, drawn === undefined ? 0 : this.#staleFrom(input, row.track, drawn, now)), width]
        : [from, to];
      if (b <= a) continue;
      this.#drawRow(input, row, a, b);
      this.#drawn.set(row.track, now);
      this.columnsDrawn += b - a;
      changed = true;
    }
    this.#last = input;
    return changed;
  }

  /** Forgets everything: the next update draws all. */
  invalidate(): void {
    this.#last = null;
  }

  paint(context: Pick<CanvasRenderingContext2D, 'putImageData'>): void {
    if (this.#image === null || this.#last === null) return;
    const { scale, height } = this.#last;
    context.putImageData(this.#image, 0, -this.#margin, 0, this.#margin, scale.width, height);
  }

  /** How its time was spent, by category, in a column of a row that is drawn as shares; null where it is not. */
  sharesAt(input: PictureInput, track: number, since: number, until: number): Map<number, number> | null {
    const data = sourceAt(input, track, (since + until) / 2);
    const shares = data !== null && inShares(data, track) ? data.sharesOf(track) : undefined;
    return shares === undefined ? null : this.#scanline.sharesAt(shares, gridOf(data!, input.epoch, 0), since, until);
  }

  #resize(width: number, height: number, rowHeight: number): void {
    const lines = height + 2 * rowHeight;
    if (this.#stride === width && this.#margin === rowHeight && this.#pixels.length === width * lines) return;
    const data = new Uint8ClampedArray(Math.max(1, width * lines) * 4);
    this.#pixels = new Uint32Array(data.buffer);
    this.#image = typeof ImageData === 'undefined' || width * lines === 0 ? null : new ImageData(data, width, lines);
    this.#idle = new Uint32Array(width);
    this.#unknown = new Uint32Array(width);
    this.#stride = width;
    this.#margin = rowHeight;
    this.#last = null;
  }

  /** Columns to move left by; null when everything has to be drawn. */
  #shift(input: PictureInput): number | null {
    const last = this.#last;
    const window = `${keyOf(input.main)} ${keyOf(input.groups)} ${keyOf(input.overview)}`;
    const same =
      last !== null &&
      window === this.#window &&
      sameColumns(last.scale, input.scale) &&
      last.layout === input.layout &&
      last.epoch === input.epoch &&
      last.colors === input.colors &&
      last.least === input.least &&
      sameGrid(last, input);
    this.#window = window;
    if (!same) return null;
    const shift = input.scale.column - last.scale.column;
    return Math.abs(shift) < input.scale.width ? shift : null;
  }

  /** Rows that only moved up or down are moved; those that came into view are drawn anew. */
  #scroll(input: PictureInput): void {
    const last = this.#last!;
    const by = input.scroll - last.scroll;
    if (by === 0) return;
    const { layout, height } = input;
    const [first, to] = rowsWithin(layout, input.scroll, input.scroll + height);
    const kept = new Map<number, Drawn>();
    for (let i = first; i < to; i++) {
      const { track } = layout.rows[i]!;
      const drawn = this.#drawn.get(track);
      if (drawn !== undefined) kept.set(track, drawn);
    }
    this.#drawn = kept;
    const lines = this.#lines;
    const moved = Math.min(lines, Math.abs(by));
    if (by > 0) this.#pixels.copyWithin(0, moved * this.#stride);
    else this.#pixels.copyWithin(moved * this.#stride, 0, (lines - moved) * this.#stride);
    const [a, b] = by > 0 ? [lines - moved, lines] : [0, moved];
    this.#background(input, 0, input.scale.width, a, b);
  }

  #prepareIdle(input: PictureInput): void {
    this.#idle.fill(input.colors.panel);
    this.#unknown.fill(input.colors.grid);
    for (const column of input.gridLines) {
      if (column >= 0 && column < this.#idle.length) this.#idle[column] = input.colors.grid;
    }
  }

  /** The column from which on new data of a row look different: a stream grows at its end, all before it stays. */
  #staleFrom(input: PictureInput, track: number, before: Drawn, now: Drawn): number {
    // In wider bins, what has changed begins before the change.
    if (before.known !== now.known || input.least > 0) return 0;
    const time = Math.min(
      changedFrom(before.main, now.main, mainOf(input, track), input.epoch),
      changedFrom(before.overview, now.overview, input.overview, input.epoch),
    );
    const column = Math.floor(xOf(input.scale, time)) - 1;
    return Math.max(0, Math.min(input.scale.width, column));
  }

  /** What lies between rows, over all lines; the rows are written over it. */
  #background(input: PictureInput, from: number, to: number, top = 0, bottom = this.#lines): void {
    const line = this.#idle.subarray(from, to);
    for (let y = top; y < bottom; y++) this.#pixels.set(line, y * this.#stride + from);
    const { groups } = input.layout;
    const offset = this.#margin - input.scroll;
    const [first, last] = groupsWithin(input.layout, top - offset, bottom - offset);
    for (let i = Math.max(1, first); i < Math.min(groups.length, last + 2); i++) {
      const above = groups[i - 1]!.y + groups[i - 1]!.height;
      if (groups[i]!.y - above < 3) continue;
      const y = Math.floor(groups[i]!.band !== null ? above + 1 : (above + groups[i]!.y) / 2) + offset;
      if (y < top || y >= bottom) continue;
      this.#pixels.fill(input.colors.separator, y * this.#stride + from, y * this.#stride + to);
    }
  }

  get #lines(): number {
    return this.#pixels.length / Math.max(1, this.#stride);
  }

  #drawRow(input: PictureInput, row: Row, from: number, to: number): void {
    const { scale, epoch, overview, least } = input;
    const main = mainOf(input, row.track);
    const { categories, outline } = input.colors;
    const paint: Paint = { colors: categories, idle: this.#idle, outline };
    const buffer: PixelBuffer = { pixels: this.#pixels, stride: this.#stride };
    const y = row.y - input.scroll + this.#margin;
    const [left, right] = mainColumns(main, input, row.track, from, to);
    const part = (data: WindowData | null, a: number, b: number): void => {
      if (b <= a) return;
      const strip = { y, height: row.height, from: a, to: b };
      const by = data === null ? 0 : widerBy(data, row.track, least);
      const shares = data !== null && inShares(data, row.track) ? widenedOf(data, row.track, by) : undefined;
      const slices = data?.mode === 'slices' ? data.slicesOf(row.track) : undefined;
      if (shares !== undefined)
        this.#scanline.drawShares(buffer, strip, scale, shares, gridOf(data!, epoch, by), paint);
      else if (slices !== undefined) drawSlices(buffer, strip, scale, slices, epoch, paint);
      else this.#scanline.drawIdle(buffer, strip, main === null || knows(data, row.track) ? this.#idle : this.#unknown);
    };
    part(overview, from, left);
    part(main, left, right);
    part(overview, right, to);
  }
}

/** The columns of [from, to) that a window has data for; in wider bins than they came in, for whole bins. */
function mainColumns(
  main: WindowData | null,
  input: PictureInput,
  row: number,
  from: number,
  to: number,
): [number, number] {
  const range = main === null || main.mode === 'empty' ? null : covered(main.query);
  if (range === null) return [to, to];
  const { scale, epoch, least } = input;
  const width = widerBy(main!, row, least) === 0 ? 1 : 2 ** least;
  const clip = (x: number): number => Math.min(to, Math.max(from, x));
  const left = clip(Math.ceil(xOf(scale, Math.ceil(range[0] / width) * width - epoch)));
  return [left, Math.max(left, clip(Math.floor(xOf(scale, Math.floor(range[1] / width) * width - epoch))))];
}

/** The data for the view that a row is drawn from. */
function mainOf(input: Pick<PictureInput, 'main' | 'groups'>, track: number): WindowData | null {
  return track >= FIRST_GROUP ? input.groups : input.main;
}

function drawnFrom(input: PictureInput, track: number): Drawn {
  const main = mainOf(input, track);
  return { main: dataOf(main, track), overview: dataOf(input.overview, track), known: knows(main, track) };
}

/** Whether a window says what a track did, be it nothing. */
function knows(data: WindowData | null, track: number): boolean {
  if (data === null || data.mode === 'empty' || data.query === null) return false;
  if (track >= FIRST_GROUP) return data.sharesOf(track) !== undefined;
  return askedTracks(data.query)?.has(track) !== false;
}

/** The data that are drawn at a time (of the stream's base) in a row. */
export function sourceAt(
  input: Pick<PictureInput, 'main' | 'groups' | 'overview' | 'epoch'>,
  track: number,
  time: number,
): WindowData | null {
  const { overview, epoch } = input;
  const main = mainOf(input, track);
  const range = main === null || main.mode === 'empty' ? null : covered(main.query);
  return range !== null && time + epoch >= range[0] && time + epoch < range[1] ? main : overview;
}

function gridOf(data: WindowData, epoch: number, by: number): BinGrid {
  const { first, width } = binsOf(data, by);
  return { start: first * width - epoch, width };
}

/** The first time at which two states of a track's data differ, in the stream's time; minus infinity where they have little in common. */
function changedFrom(before: Drawn['main'], now: Drawn['main'], data: WindowData | null, epoch: number): number {
  if (before === now) return Number.POSITIVE_INFINITY;
  if (before === undefined || now === undefined || data === null) return Number.NEGATIVE_INFINITY;
  const length = Math.min(before.length, now.length);
  let same = 0;
  if ('bin' in before && 'bin' in now) {
    const { growth } = before;
    if (growth !== undefined) {
      if (growth.of !== now.growth?.of) return Number.NEGATIVE_INFINITY;
      const { start, width } = gridOf(data, epoch, 0);
      return start + growth.of.changedFrom(growth.step) * width;
    }
    while (same < length && before.bin[same] === now.bin[same] && before.busy[same] === now.busy[same]) {
      if (before.category[same] !== now.category[same]) break;
      same++;
    }
    const first = Math.min(before.bin[same] ?? Number.POSITIVE_INFINITY, now.bin[same] ?? Number.POSITIVE_INFINITY);
    const grid = gridOf(data, epoch, 0);
    return grid.start + first * grid.width;
  }
  if ('bin' in before || 'bin' in now) return Number.NEGATIVE_INFINITY;
  const lanes = [indexOf(before).lane, indexOf(now).lane] as const;
  while (same < length && before.record[same] === now.record[same] && before.start[same] === now.start[same]) {
    if (lanes[0][same] !== lanes[1][same]) break;
    same++;
  }
  return Math.min(before.start[same] ?? Number.POSITIVE_INFINITY, now.start[same] ?? Number.POSITIVE_INFINITY) - epoch;
}

function dataOf(data: WindowData | null, track: number): Drawn['main'] {
  if (data === null) return undefined;
  return inShares(data, track) ? data.sharesOf(track) : data.slicesOf(track);
}

/** Changes when rows that have the same data look different all the same. */
function keyOf(data: WindowData | null): string {
  if (data === null || data.query === null) return '-';
  return `${data.mode}/${data.level}/${data.firstBin}/${data.query.since}/${data.query.until}`;
}

/** Grid lines move with the columns: they are the same when those in view of both are at the same times. */
function sameGrid(a: PictureInput, b: PictureInput): boolean {
  const step = (input: PictureInput): number => (input.gridLines[1] ?? 0) - (input.gridLines[0] ?? 0);
  return Math.abs(step(a) - step(b)) <= 1;
}
