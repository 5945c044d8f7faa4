import type { RecordView } from '../../model/batch.ts';
import { toMicros } from '../../model/units.ts';
import { MAX_FUNCTIONS } from '../../wire/message.ts';
import type { ThemeColors } from '../colors.ts';
import type { FrameTask } from '../frame-loop.ts';
import type { Live } from '../live-store.ts';
import { streamColors } from './colors.ts';
import { followStep, followTarget, settled } from './follow.ts';
import { findHit, type Hit, type SliceHit, sameHit } from './hit.ts';
import type { Minimap } from './minimap.ts';
import { Motion, type Movement } from './motion.ts';
import { Report, type TimelineState } from './report.ts';
import { followHistory, followRecent, historyBounds, isActive, runAt, runBounds } from './runs.ts';
import { hitOfRecord, type Scene, type StageElements, StageView } from './stage.ts';
import { stepInRow, stepToRow, type Walk } from './step.ts';
import { type Bounds, clamp, fitTo, pan, span, TimeBase, timeAt, type Viewport, zoomAbout } from './viewport.ts';
import { StreamWindows } from './windows.ts';

export interface TimelineOptions {
  readonly live: Live;
  readonly elements: StageElements;
  /** Gets the `data-*` attributes by which tests and scripts see what is shown. */
  readonly panel: HTMLElement;
  readonly minimap: Minimap | null;
  /** What following means: the last 1,000 tasks, or the last 100,000. */
  readonly follows: 'recent' | 'history';
  /** Epoch seconds to open with instead. */
  readonly start: { readonly since: number; readonly until: number } | null;
  readonly colors: ThemeColors;
  readonly reducedMotion: () => boolean;
  readonly onState: (state: TimelineState) => void;
  readonly onHover: (hit: Hit | null) => void;
  /** The width that labels want, CSS pixels. */
  readonly onGutter: (width: number) => void;
}

const NO_HISTORY_SPAN = 10e6;
/** So long, ms, the first picture waits for the first answer. */
const PATIENCE = 400;
/** The picture is drawn anew when something moved by this much of a pixel. */
const VISIBLE = 0.5;

/**
 * One task stream: what is looked at, where it goes by itself, which windows it needs for that. All drawing happens in the frame
 * loop; everything else only says what has changed.
 */
export class Timeline implements Disposable {
  readonly #options: TimelineOptions;
  readonly #task: FrameTask;
  readonly #motion = new Motion();
  readonly #windows: StreamWindows;
  readonly #undo: (() => void)[] = [];
  readonly stage: StageView;
  #base: TimeBase | null = null;
  #view: Viewport = { since: 0, until: NO_HISTORY_SPAN };
  #following = true;
  #dirty = true;
  #drawn: { view: Viewport; now: number } | null = null;
  #lastFrame = 0;
  #mapDue = false;
  #patience: ReturnType<typeof setTimeout> | 'gone' | null = null;
  #pointer: { x: number; y: number } | null = null;
  #hover: Hit | null = null;
  #selected: Hit | null = null;
  #filter = '';
  #functions = NO_FILTER;
  readonly #report: Report;

  constructor(options: TimelineOptions) {
    this.#options = options;
    const { live } = options;
    this.stage = new StageView(options.elements, streamColors(options.colors, 0));
    this.#report = new Report(options.panel, options.onState);
    this.#windows = new StreamWindows(live, () => this.#changed());
    this.#task = live.frames.add('draw', (time) => this.#frame(time));
    this.#following = options.start === null;
    for (const topic of ['state', 'running', 'window'] as const)
      this.#undo.push(live.replica.on(topic, () => this.#changed()));
    this.#changed();
  }

  dispose(): void {
    for (const undo of this.#undo) undo();
    this.#task[Symbol.dispose]();
    this.#windows.dispose();
    if (this.#patience !== null && this.#patience !== 'gone') clearTimeout(this.#patience);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // What people do. Positions are device pixels of the plot.

  /** The function's name must contain this; empty: all. */
  setFilter(text: string): void {
    this.#filter = text.trim().toLowerCase();
    this.#changed();
  }

  setColors(colors: ThemeColors): void {
    this.stage.colors = streamColors(colors, this.#options.live.replica.functionCount);
    this.#changed();
  }

  resize(width: number, height: number, ratio: number): void {
    if (this.stage.resize(width, height, ratio)) this.#changed();
  }

  panBy(pixels: number): void {
    this.#byHand(pan(this.#view, pixels * this.#perPixel));
  }

  zoomAt(x: number, factor: number): void {
    this.#byHand(zoomAbout(this.#view, timeAt(this.stage.scaleFor(this.#view), x), factor));
  }

  zoomCentre(factor: number): void {
    this.#jump(zoomAbout(this.#view, this.#about(), factor));
  }

  scrollBy(pixels: number): void {
    const next = Math.round(Math.max(0, Math.min(this.stage.scrollable, this.stage.scroll + pixels)));
    if (next === this.stage.scroll) return;
    this.stage.scroll = next;
    this.#changed();
  }

  press(movement: Movement): void {
    this.#following = false;
    this.#motion.press(movement, performance.now());
    this.#changed();
  }

  release(movement: Movement | null): void {
    if (movement === null) this.#motion.releaseAll();
    else this.#motion.release(movement);
  }

  /** The run in view as a whole; from there, all of history. */
  fit(): void {
    const history = this.#history();
    if (history === null || this.#base === null) return;
    const { runs } = this.#options.live.replica;
    const middle = (this.#view.since + Math.min(this.#view.until, history.stop)) / 2;
    const run = runs[Math.max(0, runAt(runs, this.#base, middle))];
    const whole = run === undefined ? history : this.#runBounds(run);
    const target = fitTo(whole);
    const near = (a: number, b: number): boolean => Math.abs(a - b) < span(target) * 0.01;
    const there = near(target.since, this.#view.since) && near(target.until, this.#view.until);
    this.#jump(there ? fitTo(history) : target);
  }

  follow(): void {
    this.#following = true;
    this.#motion.interrupt();
    this.#changed();
  }

  /** Shows the run before or after the one in view. */
  goToRun(direction: 1 | -1): void {
    if (this.#base === null) return;
    const { runs } = this.#options.live.replica;
    const at = runAt(runs, this.#base, (this.#view.since + this.#view.until) / 2);
    const run = runs[Math.max(0, Math.min(runs.length - 1, at + direction))];
    if (run !== undefined) this.#jump(fitTo(this.#runBounds(run)));
  }

  /** Looks at a time range, epoch µs. */
  show(since: number, until: number): void {
    if (this.#base !== null) this.#jump({ since: this.#base.relative(since), until: this.#base.relative(until) });
  }

  lookAt(view: Viewport): void {
    this.#byHand(view);
  }

  /** Where the pointer is; null when it left. */
  point(at: { x: number; y: number } | null): void {
    this.#pointer = at;
    this.#changed();
  }

  hitAt(x: number, y: number): Hit | null {
    return this.#base === null ? null : this.#find({ x, y }, this.#scene(this.#base, this.#now));
  }

  /** Marks something; null: nothing. */
  select(hit: Hit | null): void {
    this.#selected = hit;
    this.#changed();
  }

  /** The next or previous slice in the row of the selected one, or of the first row. */
  step(direction: 1 | -1): Hit | null {
    return this.#chosen(stepInRow(direction, this.#walk()));
  }

  /** The same time in the row above or below: the slice nearest to the selected one. */
  stepRow(direction: 1 | -1): Hit | null {
    return this.#chosen(stepToRow(direction, this.#walk()));
  }

  #chosen(hit: SliceHit | null): Hit | null {
    return hit === null ? null : this.#reveal(hit, false);
  }

  #walk(): Walk {
    const absolute = (time: number): number => this.#base?.absolute(time) ?? 0;
    return {
      rows: this.stage.layout.rows,
      data: this.#windows.main,
      chosen: this.#selected,
      since: absolute(this.#view.since),
      until: absolute(this.#view.until),
    };
  }

  /** Goes to a record and marks it; null when its row is not there any more. */
  showRecord(record: RecordView): Hit | null {
    const hit = hitOfRecord(this.#options.live.replica, record);
    return hit === null ? null : this.#reveal(hit, true);
  }

  #reveal(hit: SliceHit, closely: boolean): Hit {
    this.#selected = hit;
    if (this.#base !== null) {
      const start = this.#base.relative(hit.start);
      const stop = this.#base.relative(hit.stop);
      const outside = start < this.#view.since || stop > this.#view.until;
      const tiny = (stop - start) / this.#perPixel < 3 * this.stage.ratio;
      if (outside || (closely && tiny)) {
        const wide = closely && tiny ? (stop - start) * 24 : Math.max(span(this.#view), (stop - start) * 1.5);
        const middle = (start + stop) / 2;
        this.#jump({ since: middle - wide / 2, until: middle + wide / 2 });
      }
    }
    const row = this.stage.layout.rows.find((r) => r.track === hit.track);
    if (row !== undefined) {
      const under = row.y + row.height - this.stage.scroll - this.stage.height;
      if (under > 0) this.scrollBy(under);
      else if (row.y < this.stage.scroll) this.scrollBy(row.y - this.stage.scroll);
    }
    this.#changed();
    return hit;
  }

  // How it works.

  get #now(): number {
    return this.#base?.relative(this.#options.live.replica.clock() * 1e6) ?? 0;
  }

  get #perPixel(): number {
    return span(this.#view) / Math.max(1, this.stage.width);
  }

  #about(): number {
    const x = this.#pointer?.x;
    return x === undefined ? (this.#view.since + this.#view.until) / 2 : timeAt(this.stage.scaleFor(this.#view), x);
  }

  #changed(): void {
    this.#dirty = true;
    this.#task.request();
  }

  #byHand(view: Viewport): void {
    this.#following = false;
    this.#motion.interrupt();
    this.#view = this.#clamped(view);
    this.#changed();
  }

  #jump(to: Viewport): void {
    this.#following = false;
    this.#motion.jump(this.#view, this.#clamped(to), performance.now(), !this.#options.reducedMotion());
    this.#changed();
  }

  #clamped(view: Viewport): Viewport {
    const history = this.#history();
    return history === null ? view : clamp(view, history);
  }

  #history(): Bounds | null {
    if (this.#base === null) return null;
    const { replica } = this.#options.live;
    return historyBounds(replica, this.#base, replica.clock());
  }

  #runBounds(run: Parameters<typeof runBounds>[0]): Bounds {
    const bounds = runBounds(run, this.#base!);
    const { replica } = this.#options.live;
    const now = replica.clock();
    const open = run === replica.runs.at(-1) && isActive(replica, now);
    return open ? { start: bounds.start, stop: Math.max(bounds.stop, this.#base!.relative(now * 1e6)) } : bounds;
  }

  #frame(time: number): void {
    const { live, follows, start } = this.#options;
    const { replica } = live;
    const clock = replica.clock();
    if (clock === 0 || this.stage.width === 0) return;
    if (this.#base === null) {
      this.#base = new TimeBase(toMicros(replica.runs[0]?.start ?? clock));
      if (start !== null) {
        this.#view = { since: this.#base.relative(start.since * 1e6), until: this.#base.relative(start.until * 1e6) };
      }
    }
    const base = this.#base;
    const now = base.relative(clock * 1e6);
    const ms = Math.min(100, Math.max(0, time - this.#lastFrame));
    this.#lastFrame = time;
    const input = (follows === 'recent' ? followRecent : followHistory)(replica, base, clock);
    let easing = false;
    if (this.#motion.moving) this.#view = this.#clamped(this.#motion.step(this.#view, time, this.#about()));
    else if (this.#following && input !== null) {
      const target = followTarget(input);
      this.#view = followStep(
        this.#drawn === null ? null : this.#view,
        target,
        input.active,
        ms,
        !this.#options.reducedMotion(),
      );
      easing = !settled(this.#view, target);
    } else if (this.#following && this.#drawn === null) {
      this.#view = { since: now, until: now + NO_HISTORY_SPAN };
    }
    this.#applyFilter();
    this.#plan(base, clock);
    const scene = this.#scene(base, now);
    if (this.stage.place(scene)) {
      this.#dirty = true;
      this.#options.onGutter(this.stage.gutterWidth(this.stage.width > 700 * this.stage.ratio ? 150 : 84));
    }
    if (this.#waitsForData()) return;
    const first = this.#drawn === null;
    const draws = this.#dirty || this.#moved(now);
    if (draws) {
      this.#dirty = false;
      this.#drawn = { view: this.#view, now };
      this.#findHover(scene);
      this.stage.draw({ ...scene, hover: this.#hover });
    }
    if (first) {
      // The first picture is not kept waiting for the smaller one.
      this.#mapDue = true;
      this.#task.request();
    } else if (draws || this.#mapDue) {
      this.#mapDue = false;
      this.#options.minimap?.draw(
        replica,
        this.#windows.overview ?? this.#windows.main,
        base,
        this.#view,
        now,
        this.stage.colors,
      );
    }
    this.#tell(base, input?.active === true ? null : (replica.follow?.runStop ?? null));
    // Nothing moves while the server or its scheduler is silent: the clock stands still.
    const grows = isActive(replica, clock) && live.flowing() && now < this.#view.until + span(this.#view) * 0.01;
    if (this.#motion.moving || easing || grows || this.#windows.waiting) this.#task.request();
  }

  /** Nothing is drawn yet and what there is to draw is on its way: a picture without it would only keep it waiting. */
  #waitsForData(): boolean {
    if (this.#drawn !== null || this.#options.live.replica.runs.length === 0) return false;
    if ((this.#windows.main?.version ?? 0) > 0 || this.#patience === 'gone') return false;
    this.#patience ??= setTimeout(() => {
      this.#patience = 'gone';
      this.#changed();
    }, PATIENCE);
    return true;
  }

  #scene(base: TimeBase, now: number): Scene {
    return {
      replica: this.#options.live.replica,
      view: this.#view,
      base,
      now,
      main: this.#windows.main,
      overview: this.#windows.overview,
      functions: this.#functions.set,
      hover: this.#hover,
      selected: this.#selected,
    };
  }

  #moved(now: number): boolean {
    if (this.#drawn === null) return true;
    const visible = this.#perPixel * VISIBLE;
    const { view } = this.#drawn;
    return (
      Math.abs(view.since - this.#view.since) >= visible ||
      Math.abs(view.until - this.#view.until) >= visible ||
      Math.abs(this.#drawn.now - now) >= visible
    );
  }

  #applyFilter(): void {
    const { names } = this.#options.live.replica;
    if (names.length > this.stage.colors.functions)
      this.stage.colors = streamColors(this.stage.colors.theme, names.length);
    if (this.#filter === '') {
      this.#functions = NO_FILTER;
      return;
    }
    // Names only ever come to the end of a list: which ones match is worked out once for each length of it.
    const { of, count, text } = this.#functions;
    if (names === of && names.length === count && this.#filter === text) return;
    const list: number[] = [];
    for (const [fn, name] of names.entries()) if (name?.toLowerCase().includes(this.#filter)) list.push(fn);
    if (list.length > MAX_FUNCTIONS) list.length = MAX_FUNCTIONS;
    this.#functions = { of: names, count: names.length, text: this.#filter, list, set: new Set(list) };
  }

  #plan(base: TimeBase, clock: number): void {
    const history = this.#history();
    this.#windows.plan({
      since: base.absolute(this.#view.since),
      until: base.absolute(this.#view.until),
      perPixel: this.#perPixel,
      now: clock * 1e6,
      functions: this.#functions.list,
      start: history === null ? null : base.absolute(history.start),
      stop: history === null ? clock * 1e6 : base.absolute(history.stop),
    });
  }

  #find({ x, y }: { x: number; y: number }, scene: Scene): Hit | null {
    const { stage } = this;
    const { replica, now } = scene;
    return stage.hitAt(scene, x, y, (input, track, at, depth) =>
      findHit(input, stage.picture, replica, now, stage.ratio, track, at, depth),
    );
  }

  #findHover(scene: Scene): void {
    const hit = this.#pointer === null ? null : this.#find(this.#pointer, scene);
    if (sameHit(hit, this.#hover)) return;
    this.#hover = hit;
    this.#options.onHover(hit);
  }

  #tell(base: TimeBase, runStop: number | null): void {
    this.#report.tell(this.stage, {
      following: this.#following,
      idleSince: runStop === null ? null : runStop / 1e6,
      mode: this.#windows.main?.mode ?? 'empty',
      level: this.#windows.main?.mode === 'shares' ? this.#windows.main.level : null,
      scrolls: this.stage.scrollable > 0,
      since: base.absolute(this.#view.since) / 1e6,
      until: base.absolute(this.#view.until) / 1e6,
    });
  }
}

interface Filtered {
  /** What it was made from: the first `count` names of a list, and the text that they must contain. */
  readonly of: readonly string[] | null;
  readonly count: number;
  readonly text: string;
  readonly list: readonly number[] | null;
  readonly set: ReadonlySet<number> | null;
}
const NO_FILTER: Filtered = { of: null, count: 0, text: '', list: null, set: null };
