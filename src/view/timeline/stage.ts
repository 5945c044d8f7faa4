import { lowerBound } from '../../base/bisect.ts';
import type { RecordView } from '../../model/batch.ts';
import type { Replica } from '../../store/replica.ts';
import { labelStyle, type StreamColors } from './colors.ts';
import { cutMiddle, drawGutter, drawRuler, GONE } from './frame-labels.ts';
import type { Hit, SliceHit } from './hit.ts';
import { type Layout, layoutRows, rowAt } from './layout.ts';
import { standardOverlays } from './overlays.ts';
import type { Stage } from './painter.ts';
import { Picture, type PictureInput } from './picture.ts';
import { type Tick, ticks } from './ruler.ts';
import type { Overlay, Scene } from './scene.ts';
import { slicesWithin } from './slices-renderer.ts';
import { type Scale, scaleOf, type Viewport } from './viewport.ts';

export interface StageElements {
  readonly plot: HTMLCanvasElement;
  readonly gutter: HTMLCanvasElement;
  readonly ruler: HTMLCanvasElement;
}

const TICK_EVERY = 92;
const NO_LAYOUT: Layout = { rows: [], groups: [], height: 0, rowHeight: 1, hosts: 0 };

/** The canvases of a stream: draws scenes, knows where rows are. Only ever called from the frame loop. */
export class StageView {
  readonly #elements: StageElements;
  readonly #plot: CanvasRenderingContext2D;
  readonly #gutter: CanvasRenderingContext2D;
  readonly #ruler: CanvasRenderingContext2D;
  readonly #standard = standardOverlays();
  readonly picture = new Picture();
  /** Drawn over the rows in this order. */
  readonly overlays: Overlay[] = [];
  layout: Layout = NO_LAYOUT;
  scroll = 0;
  ratio = 1;
  width = 0;
  height = 0;
  #layoutKey = '';
  #gutterKey = '';
  #rulerKey = '';
  #lastInput: PictureInput | null = null;
  #colors: StreamColors;
  #style: ReturnType<typeof labelStyle>;

  constructor(elements: StageElements, colors: StreamColors) {
    this.#elements = elements;
    // Pixels are made by the processor: a canvas on the GPU would only have them carried there and back.
    const context = (canvas: HTMLCanvasElement): CanvasRenderingContext2D =>
      canvas.getContext('2d', { alpha: false, willReadFrequently: true })!;
    this.#plot = context(elements.plot);
    this.#gutter = context(elements.gutter);
    this.#ruler = context(elements.ruler);
    this.#colors = colors;
    this.#style = labelStyle(colors.theme, 1);
  }

  set colors(colors: StreamColors) {
    this.#colors = colors;
    this.#style = labelStyle(colors.theme, this.ratio);
    this.picture.invalidate();
    this.#gutterKey = this.#rulerKey = '';
  }

  get colors(): StreamColors {
    return this.#colors;
  }

  /** Device pixels of the plot; true when they changed. */
  resize(width: number, height: number, ratio: number): boolean {
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.#style = labelStyle(this.#colors.theme, ratio);
    const { plot, gutter, ruler } = this.#elements;
    plot.width = width;
    plot.height = height;
    gutter.width = Math.round(gutter.clientWidth * ratio);
    gutter.height = height;
    ruler.width = Math.round(ruler.clientWidth * ratio);
    ruler.height = Math.round(ruler.clientHeight * ratio);
    this.#layoutKey = this.#gutterKey = this.#rulerKey = '';
    return true;
  }

  get scrollable(): number {
    return Math.max(0, this.layout.height - this.height);
  }

  /** The width in CSS pixels that labels want. */
  gutterWidth(most: number): number {
    this.#gutter.font = labelStyle(this.#colors.theme, 1).font;
    const slots = this.layout.rowHeight >= 13 * this.ratio ? 18 : 0;
    let widest = 24;
    for (const group of this.layout.groups) {
      // Room for what a lost worker's label gains, so that nothing moves when one goes.
      const label = cutMiddle(this.#gutter, group.label + GONE, most);
      widest = Math.max(widest, this.#gutter.measureText(label).width);
      if (group.opensHost) widest = Math.max(widest, this.#gutter.measureText(group.host).width - slots - 2);
    }
    return Math.ceil(Math.min(most, widest + 16) + slots);
  }

  scaleFor(view: Viewport): Scale {
    return scaleOf(view, this.width);
  }

  /** Places rows anew where tracks, size or lost workers in view changed. */
  place(scene: Scene): boolean {
    const { tracks } = scene.replica;
    const shows = (track: number): boolean => hasData(scene, track);
    let key = `${this.height}/${this.ratio}`;
    for (const track of tracks) {
      if (track !== undefined) key += track.alive ? `,${track.track}` : shows(track.track) ? `,-${track.track}` : '';
    }
    if (key === this.#layoutKey) return false;
    this.#layoutKey = key;
    this.layout = layoutRows(tracks, { height: this.height, ratio: this.ratio, shows });
    this.scroll = Math.min(this.scroll, this.scrollable);
    this.#gutterKey = '';
    return true;
  }

  draw(scene: Scene): void {
    if (this.width === 0 || this.height === 0) return;
    if (this.#lastInput === null) {
      for (const canvas of Object.values(this.#elements)) canvas.dataset.drawn = 'true';
    }
    const { ratio } = this;
    const scale = this.scaleFor(scene.view);
    const marks = this.#ticks(scene, scale);
    const input = this.#input(scene, scale, marks);
    this.#lastInput = input;
    this.picture.update(input);
    this.picture.paint(this.#plot);
    const stage: Stage = {
      scale,
      layout: this.layout,
      scroll: this.scroll,
      height: this.height,
      ratio,
      epoch: scene.base.epoch,
      categories: this.#colors.categories,
      panel: this.#colors.panel,
      theme: this.#colors.theme,
      font: this.#style.font,
    };
    const { below, above } = this.#standard;
    for (const overlay of [...below, ...this.overlays, ...above]) overlay.draw(this.#plot, stage, scene);
    this.#drawAround(scale, marks);
  }

  #drawAround(scale: Scale, marks: readonly Tick[]): void {
    const { gutter, ruler } = this.#elements;
    const gutterKey = `${this.scroll}`;
    if (gutterKey !== this.#gutterKey) {
      this.#gutterKey = gutterKey;
      drawGutter(this.#gutter, this.layout, this.scroll, gutter.width, gutter.height, this.#style);
    }
    const rulerKey = `${scale.column}/${scale.perPixel}`;
    if (rulerKey !== this.#rulerKey) {
      this.#rulerKey = rulerKey;
      const left = ruler.width - this.width;
      drawRuler(this.#ruler, marks, scale, left, ruler.width, ruler.height, this.#style);
    }
  }

  /** What lies at a place of the plot, in device pixels. */
  hitAt(
    scene: Scene,
    x: number,
    y: number,
    find: (input: PictureInput, track: number, x: number, depth: number) => Hit | null,
  ): Hit | null {
    const row = rowAt(this.layout, y + this.scroll);
    if (row === null || this.#lastInput === null || x < 0 || x >= this.width) return null;
    const input = { ...this.#lastInput, scale: this.scaleFor(scene.view) };
    return find(input, row.track, x, (y + this.scroll - row.y) / row.height);
  }

  #ticks(scene: Scene, scale: Scale): Tick[] {
    const since = scale.column * scale.perPixel;
    return ticks({
      since,
      until: since + scale.width * scale.perPixel,
      least: TICK_EVERY * this.ratio * scale.perPixel,
      epoch: scene.base.epoch,
      offset: (ms) => -new Date(ms).getTimezoneOffset(),
    });
  }

  #input(scene: Scene, scale: Scale, marks: readonly Tick[]): PictureInput {
    return {
      scale,
      layout: this.layout,
      scroll: this.scroll,
      height: this.height,
      main: scene.main,
      overview: scene.overview,
      epoch: scene.base.epoch,
      colors: this.#colors,
      gridLines: marks.map((tick) => Math.round(tick.time / scale.perPixel) - scale.column),
    };
  }
}

/** Whether a track has anything to show in view. */
function hasData(scene: Scene, track: number): boolean {
  const since = scene.base.absolute(scene.view.since);
  const until = scene.base.absolute(scene.view.until);
  for (const data of [scene.main, scene.overview]) {
    const slices = data?.mode === 'slices' ? data.slicesOf(track) : undefined;
    if (slices !== undefined) {
      const [from, to] = slicesWithin(slices, since, until);
      if (to > from) return true;
    }
    const shares = data?.mode === 'shares' ? data.sharesOf(track) : undefined;
    if (shares !== undefined && data !== null) {
      const width = 2 ** data.level;
      const first = lowerBound(shares.bin, Math.floor(since / width) - data.firstBin, 0, shares.length);
      if (first < shares.length && (data.firstBin + shares.bin[first]!) * width < until) return true;
    }
  }
  return scene.replica.running.has(track);
}

/** A record as something to mark and to describe. */
export function hitOfRecord(replica: Replica, record: RecordView): SliceHit | null {
  const track = replica.tracks.find((t) => t !== undefined && t.address === record.worker && t.slot === record.thread);
  if (track === undefined || record.stop === null) return null;
  const compute = record.startstops.find((s) => s.action === 'compute');
  return {
    kind: 'slice',
    track: track.track,
    record: record.record,
    category: -1,
    fn: Math.max(0, replica.names.indexOf(record.name)),
    start: Math.round((compute?.start ?? record.start) * 1e6),
    stop: Math.round((compute?.stop ?? record.stop) * 1e6),
  };
}
