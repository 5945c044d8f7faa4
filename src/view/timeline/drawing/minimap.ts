import { FIRST_GROUP } from '../../../model/batch.ts';
import type { TrackShares, WindowData } from '../../../store/detail/window-data.ts';
import type { Replica } from '../../../store/replica.ts';
import type { Marks } from '../../search/search.ts';
import { fitTo, type Scale, scaleOf, span, type TimeBase, timeAt, type Viewport, xOf } from '../moving/viewport.ts';
import { historyBounds, runBounds } from '../runs.ts';
import type { StreamColors } from './colors.ts';
import { cssColor } from './pixels.ts';
import { Scanline } from './scanline.ts';

/** The shares of all tracks together, as if they were one; busy time is divided by their number. */
export function sumTracks(data: WindowData, tracks: number): TrackShares {
  const sums = new Map<number, number>();
  const KEY = 2 ** 20;
  for (const track of data.tracks()) {
    const shares = data.sharesOf(track);
    if (shares === undefined) continue;
    for (let i = 0; i < shares.length; i++) {
      const key = shares.bin[i]! * KEY + shares.category[i]!;
      sums.set(key, (sums.get(key) ?? 0) + shares.busy[i]!);
    }
  }
  const keys = Float64Array.from(sums.keys()).sort();
  return {
    length: keys.length,
    lanes: 1,
    bin: Uint16Array.from(keys, (key) => Math.floor(key / KEY)),
    category: Uint16Array.from(keys, (key) => key % KEY),
    // A little more than nothing stays more than nothing: an error must be seen here too.
    busy: Float64Array.from(keys, (key) => Math.max(1, Math.round(sums.get(key)! / Math.max(1, tracks)))),
  };
}

/** What a press on the minimap takes hold of. */
export type Grip = 'view' | 'since' | 'until' | 'elsewhere';

const EDGE = 7;
/** Sums are made anew at most this often, ms: the minimap may lag a little behind. */
const EVERY = 400;

/** What the picture of the shares depends on. */
interface DrawnShares {
  readonly shares: TrackShares | null;
  readonly scale: Scale;
  readonly colors: StreamColors;
}

function sameShares(a: DrawnShares, b: DrawnShares | null): boolean {
  return (
    b !== null &&
    a.shares === b.shares &&
    a.colors === b.colors &&
    a.scale.column === b.scale.column &&
    a.scale.perPixel === b.scale.perPixel
  );
}

/** All of history in a strip, with a frame around what is looked at. */
export class Minimap {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #scanline = new Scanline();
  #ratio = 1;
  #marks: Marks | null = null;
  #scale: Scale = { perPixel: 1, column: 0, width: 1 };
  #view: Viewport = { since: 0, until: 1 };
  #sums: { data: WindowData; version: number; made: number; shares: TrackShares } | null = null;
  #key = '';
  /** The shares as they were drawn last: a drag moves only the frame around the view. */
  #image: ImageData | null = null;
  #drawn: DrawnShares | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })!;
  }

  /** Where hits of a search lie. */
  set marks(marks: Marks | null) {
    this.#marks = marks;
    this.#key = '-';
  }

  resize(width: number, height: number, ratio: number): void {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#ratio = ratio;
    this.#image = null;
    this.#key = '';
  }

  draw(
    replica: Replica,
    data: WindowData | null,
    base: TimeBase,
    view: Viewport,
    now: number,
    colors: StreamColors,
  ): void {
    const { width, height } = this.#canvas;
    const history = historyBounds(replica, base, replica.clock());
    if (width === 0 || height === 0) return;
    if (this.#key === '') this.#canvas.dataset.drawn = 'true';
    this.#view = view;
    const whole = fitTo(history ?? { start: now, stop: now + 10e6 }, 0.01);
    this.#scale = scaleOf(whole, width);
    const key = [
      data?.version,
      replica.gaps.length,
      this.#scale.column,
      this.#scale.perPixel,
      view.since,
      view.until,
      replica.playhead === null ? '' : Math.round(xOf(this.#scale, now)),
      colors.theme.name,
    ].join();
    if (key === this.#key) return;
    this.#key = key;
    this.#drawShares(data, base, colors);
    this.#drawGaps(replica, base, colors);
    this.#drawRuns(replica, base, colors);
    this.#drawBrush(colors);
    this.#drawMarks(base, colors);
    if (replica.playhead === null) return;
    this.#context.fillStyle = colors.theme.ink;
    this.#context.fillRect(Math.round(xOf(this.#scale, now)), 0, Math.max(1, Math.round(2 * this.#ratio)), height);
  }

  #drawShares(data: WindowData | null, base: TimeBase, colors: StreamColors): void {
    const shares = data !== null && data.mode === 'shares' ? this.#summed(data) : null;
    const drawn = { shares, scale: this.#scale, colors };
    if (this.#image === null || !sameShares(drawn, this.#drawn)) this.#fillImage(data, drawn, base);
    this.#drawn = drawn;
    this.#context.putImageData(this.#image!, 0, 0);
  }

  #fillImage(data: WindowData | null, { shares, colors }: DrawnShares, base: TimeBase): void {
    const { width, height } = this.#canvas;
    this.#image ??= new ImageData(width, height);
    const pixels = new Uint32Array(this.#image.data.buffer);
    pixels.fill(colors.panel);
    if (data !== null && shares !== null) {
      const idle = new Uint32Array(width).fill(colors.panel);
      const strip = { y: 0, height: height - Math.round(3 * this.#ratio), from: 0, to: width };
      const binWidth = 2 ** data.level;
      this.#scanline.drawShares(
        { pixels, stride: width },
        strip,
        this.#scale,
        shares,
        { start: data.firstBin * binWidth - base.epoch, width: binWidth },
        { colors: colors.categories, idle, outline: colors.outline },
      );
    }
  }

  #summed(data: WindowData): TrackShares {
    // Of many tracks the server sends their sum alone.
    const whole = data.sharesOf(FIRST_GROUP);
    if (whole !== undefined) return whole;
    const now = performance.now();
    const sums = this.#sums;
    if (sums !== null && sums.data === data && (sums.version === data.version || now - sums.made < EVERY))
      return sums.shares;
    const tracks = [...data.tracks()].length;
    const shares = sumTracks(data, tracks);
    this.#sums = { data, version: data.version, made: now, shares };
    return shares;
  }

  /** Times without records, striped as in the stream. */
  #drawGaps({ gaps }: Replica, base: TimeBase, colors: StreamColors): void {
    const [line, step] = [Math.max(1, this.#ratio), Math.round(6 * this.#ratio)];
    this.#context.fillStyle = colors.theme.faint;
    for (const { since, until } of gaps) {
      const x0 = Math.max(0, Math.round(xOf(this.#scale, base.relative(since * 1e6))));
      const x1 = Math.min(this.#canvas.width, Math.max(x0 + line, xOf(this.#scale, base.relative(until * 1e6))));
      for (let x = x0; x < x1; x += step) this.#context.fillRect(x, 0, line, this.#canvas.height);
    }
  }

  #drawRuns(replica: Replica, base: TimeBase, colors: StreamColors): void {
    const { height } = this.#canvas;
    const thick = Math.max(1, Math.round(2 * this.#ratio));
    this.#context.fillStyle = colors.theme.faint;
    for (const run of replica.allRuns) {
      const { start, stop } = runBounds(run, base);
      const x = Math.round(xOf(this.#scale, start));
      this.#context.fillRect(x, height - thick, Math.max(this.#ratio, xOf(this.#scale, stop) - x), thick);
    }
  }

  #drawMarks(base: TimeBase, colors: StreamColors): void {
    if (this.#marks === null) return;
    const { start, bin, counts } = this.#marks;
    const [wide, high] = [Math.round(2 * this.#ratio), Math.round(6 * this.#ratio)];
    this.#context.fillStyle = colors.theme.ink;
    for (const [index, count] of counts.entries()) {
      if (count === 0) continue;
      const middle = base.relative((start + (index + 0.5) * bin) * 1e6);
      this.#context.fillRect(Math.round(xOf(this.#scale, middle) - wide / 2), 0, wide, high);
    }
  }

  #drawBrush(colors: StreamColors): void {
    const { width, height } = this.#canvas;
    const context = this.#context;
    const x0 = Math.max(0, xOf(this.#scale, this.#view.since));
    const x1 = Math.min(width, Math.max(x0 + 2 * this.#ratio, xOf(this.#scale, this.#view.until)));
    context.fillStyle = cssColor(colors.panel, 0.62);
    context.fillRect(0, 0, x0, height);
    context.fillRect(x1, 0, width - x1, height);
    context.strokeStyle = colors.theme.accent;
    context.lineWidth = Math.max(1, Math.round(1.5 * this.#ratio));
    const half = context.lineWidth / 2;
    context.strokeRect(x0 + half, half, Math.max(1, x1 - x0 - 2 * half), height - 2 * half);
    context.fillStyle = colors.theme.accent;
    for (const x of [x0, x1]) {
      const left = Math.min(width - 3 * this.#ratio, Math.max(0, x - 1.5 * this.#ratio));
      context.fillRect(left, height / 3, 3 * this.#ratio, height / 3);
    }
  }

  gripAt(x: number): Grip {
    const x0 = xOf(this.#scale, this.#view.since);
    const x1 = xOf(this.#scale, this.#view.until);
    const edge = EDGE * this.#ratio;
    // A frame too narrow for edges of its own is moved as a whole.
    if (x1 - x0 > 3 * edge) {
      if (Math.abs(x - x0) <= edge) return 'since';
      if (Math.abs(x - x1) <= edge) return 'until';
    }
    return x >= x0 - edge && x <= x1 + edge ? 'view' : 'elsewhere';
  }

  timeAt(x: number): number {
    return timeAt(this.#scale, x);
  }

  /** The view after dragging what was gripped from one place to another. */
  dragged(view: Viewport, grip: Grip, from: number, to: number): Viewport {
    const by = (to - from) * this.#scale.perPixel;
    if (grip === 'since')
      return { since: Math.min(view.since + by, view.until - this.#least(view)), until: view.until };
    if (grip === 'until')
      return { since: view.since, until: Math.max(view.until + by, view.since + this.#least(view)) };
    return { since: view.since + by, until: view.until + by };
  }

  #least(view: Viewport): number {
    return Math.min(span(view), this.#scale.perPixel);
  }

  get view(): Viewport {
    return this.#view;
  }
}
