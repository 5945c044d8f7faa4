import { levelFor, type RecordView } from '../../../model/batch.ts';
import type { Replica } from '../../../store/replica.ts';
import { drawGutter, type GutterPlace, gutterAt, labelOf, showsSlots } from '../../rows/gutter.ts';
import type { Rows } from '../../rows/row-model.ts';
import { NOT_STICKY, type Sticky, seenLayout, stickyGroups } from '../../rows/sticky-rows.ts';
import { type Scale, scaleOf, type Viewport } from '../moving/viewport.ts';
import { ASKED_COARSER, COARSER, movedCoarsely } from '../moving/window-plan.ts';
import { runAt, runBounds } from '../runs.ts';
import { labelStyle, type StreamColors } from './colors.ts';
import { cutMiddle, drawRuler } from './frame-labels.ts';
import type { Hit, SliceHit } from './hit.ts';
import { type Layout, layoutRows, rowAt, rowOf, rowsWithin } from './layout.ts';
import { standardOverlays } from './overlays.ts';
import type { Stage } from './painter.ts';
import { Picture, type PictureInput } from './picture.ts';
import { elapsedTicks, type Tick, ticks } from './ruler.ts';
import type { Overlay, Scene } from './scene.ts';

export interface StageElements {
  readonly plot: HTMLCanvasElement;
  readonly gutter: HTMLCanvasElement;
  readonly ruler: HTMLCanvasElement;
}

const TICK_EVERY = 92;
const NO_LAYOUT: Layout = { rows: [], groups: [], height: 0, rowHeight: 1, places: new Map(), folded: new Map() };
/** Of so many labels, the longest, the widest is looked for. */
const MEASURED = 24;

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
  /** All rows, as if none stayed in view. */
  stack: Layout = NO_LAYOUT;
  #scroll = 0;
  #sticky: Sticky = NOT_STICKY;
  #seen: Layout | null = null;
  /** The ruler counts from where the run in view began; false: local time. */
  elapsed = false;
  ratio = 1;
  width = 0;
  height = 0;
  #placed: { rows: Rows; height: number; ratio: number } | null = null;
  #pointed: string | null = null;
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
    this.#gutterKey = this.#rulerKey = '';
    return true;
  }

  get scroll(): number {
    return this.#scroll;
  }

  set scroll(scroll: number) {
    if (scroll !== this.#scroll && this.#sticky.height > 0) this.#seen = null;
    this.#scroll = scroll;
  }

  /** Where rows lie as they are seen: pinned ones stay in view, and what they hide is not in it. */
  get layout(): Layout {
    this.#seen ??= seenLayout(this.stack, this.#sticky, this.#scroll);
    return this.#seen;
  }

  /** What pinned rows keep of the plot's height while the others scroll: device pixels. */
  get kept(): number {
    return this.#sticky.height;
  }

  get scrollable(): number {
    return Math.max(0, this.stack.height - this.height);
  }

  /** The width in CSS pixels that labels want. */
  gutterWidth(most: number): number {
    this.#gutter.font = labelStyle(this.#colors.theme, 1).font;
    const { stack: layout } = this;
    const slots = showsSlots(layout, this.ratio) ? 18 : 0;
    const signs = layout.groups.some((group) => group.folded !== null) ? 12 : 0;
    let widest = 24;
    const measure = (texts: readonly string[], less: number): void => {
      const longest = [...texts].sort((a, b) => b.length - a.length).slice(0, MEASURED);
      for (const text of longest)
        widest = Math.max(widest, this.#gutter.measureText(cutMiddle(this.#gutter, text, most)).width - less);
    };
    // Room for what a lost worker's label gains, so that nothing moves when one goes.
    measure([...new Set(layout.groups.map((group) => labelOf({ ...group, alive: false })))], 0);
    measure([...new Set(layout.groups.map(({ band }) => band ?? ''))], slots + 2);
    return Math.ceil(Math.min(most, widest + 16 + signs) + slots);
  }

  scaleFor(view: Viewport): Scale {
    return scaleOf(view, this.width);
  }

  /** Places rows anew where they or the size changed. */
  place(rows: Rows): boolean {
    const { height, ratio } = this;
    const placed = this.#placed;
    if (placed !== null && placed.rows === rows && placed.height === height && placed.ratio === ratio) return false;
    // What was at the top stays there, whatever came above it.
    const edge = this.scroll + this.kept;
    const top = this.stack.rows[rowsWithin(this.stack, edge, edge + 1)[0]];
    const into = top === undefined ? 0 : edge - top.y;
    this.#placed = { rows, height, ratio };
    this.stack = layoutRows(rows.sections, { height, ratio });
    this.#sticky = this.scrollable === 0 ? NOT_STICKY : stickyGroups(this.stack, height, ratio);
    this.#seen = null;
    const now = top === undefined || this.scroll === 0 ? undefined : rowOf(this.stack, top.track);
    this.scroll = Math.max(0, Math.min(now === undefined ? this.scroll : now.y + into - this.kept, this.scrollable));
    this.#gutterKey = '';
    return true;
  }

  /** What lies at a place of the gutter, device pixels. */
  gutterAt(x: number, y: number): GutterPlace | null {
    return gutterAt(this.layout, this.scroll, this.ratio, x, y);
  }

  /** The key of the group that the pointer is on in the gutter; true when that changes the picture of it. */
  pointGutter(key: string | null): boolean {
    if (key === this.#pointed) return false;
    this.#pointed = key;
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
      drawGutter(this.#gutter, this.layout, this.scroll, gutter.width, gutter.height, this.#style, this.#pointed);
    }
    const rulerKey = `${scale.column}/${scale.perPixel}/${this.elapsed}/${marks[0]?.label}`;
    if (rulerKey !== this.#rulerKey) {
      this.#rulerKey = rulerKey;
      const left = ruler.width - this.width;
      drawRuler(this.#ruler, marks, scale, left, ruler.width, ruler.height, this.#style);
    }
  }

  /** Bins no narrower than this while a view zooms. */
  #leastLevel({ perPixel }: Scale): number {
    const [from, to] = rowsWithin(this.layout, this.scroll, this.scroll + this.height);
    if (!movedCoarsely(to - from)) return 0;
    return levelFor(perPixel) + (this.layout.rows[from]!.query === null ? COARSER : ASKED_COARSER);
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
    const until = since + scale.width * scale.perPixel;
    const least = TICK_EVERY * this.ratio * scale.perPixel;
    if (this.elapsed) return elapsedTicks({ since, until, least, origin: elapsedOrigin(scene) });
    return ticks({
      since,
      until,
      least,
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
      groups: scene.groups,
      overview: scene.overview,
      epoch: scene.base.epoch,
      colors: this.#colors,
      least: scene.zooms ? this.#leastLevel(scale) : 0,
      gridLines: marks.map((tick) => Math.round(tick.time / scale.perPixel) - scale.column),
    };
  }
}

/** A record as something to mark and to describe. */
export function hitOfRecord(replica: Replica, record: RecordView): SliceHit | null {
  const track = replica.tracks.find((t) => t !== undefined && t.address === record.worker && t.slot === record.slot);
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

/** Where elapsed time counts from: the start of the run in the middle of the view, or of the first one. */
function elapsedOrigin({ replica, base, view }: Pick<Scene, 'replica' | 'base' | 'view'>): number {
  const run = replica.runs[Math.max(0, runAt(replica.runs, base, (view.since + view.until) / 2))];
  return run === undefined ? 0 : runBounds(run, base).start;
}
