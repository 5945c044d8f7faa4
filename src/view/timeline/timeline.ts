import { FIRST_GROUP, type WindowFilter } from '../../model/batch.ts';
import type { ThemeColors } from '../colors.ts';
import type { FrameTask } from '../frame-loop.ts';
import { ActivityReader } from '../rows/activity.ts';
import { hasData, rowsWanted } from '../rows/in-view.ts';
import type { RowOptions } from '../rows/row-model.ts';
import { RowState } from '../rows/row-state.ts';
import type { Marks } from '../search/search.ts';
import { streamColors } from './drawing/colors.ts';
import { findHit, type Hit, sameHit } from './drawing/hit.ts';
import { type RowGroup, rowOf, rowsWithin } from './drawing/layout.ts';
import { Report } from './drawing/report.ts';
import type { Overlay, Scene } from './drawing/scene.ts';
import { StageView } from './drawing/stage.ts';
import { type ShownTasks, TaskFilters } from './function-filter.ts';
import { Camera, type ViewState } from './moving/camera.ts';
import { type Moving, Rest } from './moving/rest.ts';
import { span, type TimeBase, type Viewport } from './moving/viewport.ts';
import { StreamWindows } from './moving/windows.ts';
import { isActive } from './runs.ts';
import { Selection } from './selection.ts';
import type { RowsPlace, TimelineOptions } from './timeline-options.ts';

/** So long, ms, the first picture waits for the first answer. */
const PATIENCE = 400;
/** The picture is drawn anew when something moved by this much of a pixel. */
const VISIBLE = 0.5;

/**
 * One task stream: a camera over time, the windows that it needs, a stage that draws. All drawing happens in the frame loop;
 * everything else only says what has changed.
 */
export class Timeline implements Disposable {
  readonly #options: TimelineOptions;
  readonly #task: FrameTask;
  readonly #windows: StreamWindows;
  readonly #undo: (() => void)[] = [];
  readonly stage: StageView;
  /** Which part of time is shown: pan, zoom, follow, go to. */
  readonly camera: Camera;
  /** Which rows are shown, in which order, folded or not. */
  readonly rows = new RowState();
  /** What is marked, and how to go on from there. */
  readonly selection: Selection;
  readonly #activity = new ActivityReader((activity) => {
    this.rows.activity = activity;
    this.#changed();
  });
  #dirty = true;
  #drawn: { view: Viewport; now: number } | null = null;
  #mapDue = false;
  readonly #rest = new Rest(() => this.#changed());
  #moving: Moving = 'no';
  #patience: ReturnType<typeof setTimeout> | 'gone' | null = null;
  #hover: Hit | null = null;
  #toldRows: RowsPlace | null = null;
  readonly #filters = new TaskFilters();
  #shown: ShownTasks = this.#filters.shown([]);
  #highlight: string | null = null;
  /** Its number; -1 while it is not known. */
  #highlighted: number | null = null;
  readonly #report: Report;

  constructor(options: TimelineOptions) {
    this.#options = options;
    const { live } = options;
    const changed = (): void => this.#changed();
    this.stage = new StageView(options.elements, streamColors(options.colors, 0));
    this.camera = new Camera({ ...options, replica: live.replica, changed });
    this.selection = new Selection({
      replica: live.replica,
      stage: this.stage,
      camera: this.camera,
      rows: this.rows,
      slices: () => this.#windows.main,
      scrollBy: (pixels) => this.scrollBy(pixels),
      changed,
    });
    this.#report = new Report(options.panel, options.onState);
    this.#windows = new StreamWindows(live, changed);
    this.#task = live.frames.add('draw', (time) => this.#frame(time));
    for (const topic of ['state', 'running', 'window'] as const) this.#undo.push(live.replica.on(topic, changed));
    this.#changed();
  }

  dispose(): void {
    for (const undo of this.#undo) undo();
    this.#task[Symbol.dispose]();
    this.#windows.dispose();
    this.#activity.dispose();
    this.#rest.dispose();
    if (this.#patience !== null && this.#patience !== 'gone') clearTimeout(this.#patience);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // What people do. Positions are device pixels of the plot.

  /** The function's name must contain this, and be one of these; empty: all. Tasks that `filter` does not match fade. */
  setFilter(text: string, names: readonly string[], filter: WindowFilter | null): void {
    this.#filters.narrow(text, names, filter);
    this.#changed();
  }

  /** Where hits of a search lie in history; null: there is none. */
  setMarks(marks: Marks | null): void {
    const { minimap } = this.#options;
    if (minimap !== null) minimap.marks = marks;
    this.#changed();
  }

  /** All functions but this one fade; null: none does. */
  setHighlight(name: string | null): void {
    if (name === this.#highlight) return;
    this.#highlight = name;
    this.setColors(this.stage.colors.theme);
  }

  setColors(colors: ThemeColors): void {
    const { names } = this.#options.live.replica;
    this.#highlighted = this.#highlight === null ? null : names.indexOf(this.#highlight);
    this.stage.colors = streamColors(colors, names.length, this.#highlighted);
    this.#changed();
  }

  resize(width: number, height: number, ratio: number): void {
    this.camera.width = width;
    if (this.stage.resize(width, height, ratio)) this.#changed();
  }

  scrollBy(pixels: number): void {
    const next = Math.round(Math.max(0, Math.min(this.stage.scrollable, this.stage.scroll + pixels)));
    if (next === this.stage.scroll) return;
    this.stage.scroll = next;
    this.#changed();
  }

  /** Shows other rows, or the same ones otherwise. */
  setRows(change: Partial<RowOptions>): void {
    this.rows.set(change);
    this.#changed();
  }

  /** By so many heights of the plot; infinitely many: to the end. */
  scrollScreens(screens: number): void {
    const { scrollable, height, kept } = this.stage;
    this.scrollBy(Number.isFinite(screens) ? screens * (height - kept) : Math.sign(screens) * scrollable);
  }

  /** Marks the group that the pointer is on in the gutter; null: none. */
  pointGutter(key: string | null): void {
    if (this.stage.pointGutter(key)) this.#changed();
  }

  /** Folds or unfolds a group, or the one that the selected row is in, or the first on screen. */
  fold(key = this.#groupAtHand()?.key): void {
    if (key === undefined) return;
    this.rows.toggle(key);
    this.#changed();
  }

  foldAll(): void {
    this.rows.foldAll(!this.rows.rows.folded);
    this.#changed();
  }

  /** Puts a group first, or back to its place. */
  pinRows(key = this.#groupAtHand()?.key): void {
    if (key === undefined) return;
    this.rows.togglePin(key);
    this.#changed();
  }

  /** What the ruler counts from: where the run began, or midnight. */
  setElapsed(elapsed: boolean): void {
    this.stage.elapsed = elapsed;
    this.#changed();
  }

  /** Where the pointer is; null when it left. */
  point(at: { x: number; y: number } | null): void {
    this.camera.pointer = at;
    this.#changed();
  }

  hitAt(x: number, y: number): Hit | null {
    const { base } = this.camera;
    return base === null ? null : this.#find({ x, y }, this.#scene(base));
  }

  // Seams for what is built upon a stream.

  /** Draws something over the rows in every picture until the returned function is called. */
  addOverlay(overlay: Overlay): () => void {
    this.stage.overlays.push(overlay);
    this.redraw();
    return () => {
      const at = this.stage.overlays.indexOf(overlay);
      if (at >= 0) this.stage.overlays.splice(at, 1);
      this.redraw();
    };
  }

  /** Something that an overlay shows has changed. */
  redraw(): void {
    this.#changed();
  }

  /** What an address needs to show the same again. */
  viewState(): ViewState {
    return this.camera.state();
  }

  /** Shows what another stream showed; parts that are absent stay as they are. */
  applyViewState(state: Partial<ViewState>): void {
    this.camera.apply(state);
  }

  // How it works.

  #changed(): void {
    this.#dirty = true;
    this.#task.request();
  }

  #groupAtHand(): RowGroup | undefined {
    const { layout, scroll } = this.stage;
    const { hit } = this.selection;
    const selected = hit === null ? undefined : rowOf(layout, hit.track);
    return layout.groups[selected?.group ?? layout.rows[rowsWithin(layout, scroll, scroll + 1)[0]]?.group ?? 0];
  }

  #frame(time: number): void {
    const { live } = this.#options;
    const { replica } = live;
    const clock = replica.clock();
    if (clock === 0 || this.stage.width === 0) return;
    const { camera } = this;
    const base = camera.begin(clock);
    const { easing, active } = camera.step(time, clock);
    this.#applyFilter();
    this.#moving = this.#rest.moving(camera.view, camera.following, time);
    const scene = this.#scene(base);
    if (this.stage.place(this.rows.update(replica, (track) => hasData(scene, track)))) {
      this.#dirty = true;
      this.#options.onGutter(this.stage.gutterWidth(this.stage.width > 700 * this.stage.ratio ? 150 : 84));
    }
    this.#plan(base, clock);
    const { since, until } = camera.state();
    this.#activity.plan(this.rows.needsActivity, since, until, time);
    if (this.#waitsForData()) return;
    const first = this.#drawn === null;
    const draws = this.#dirty || this.#moved(scene.now);
    if (draws) {
      this.#dirty = false;
      this.#drawn = { view: camera.view, now: scene.now };
      camera.settle();
      this.#findHover(scene);
      this.stage.draw({ ...scene, hover: this.#hover });
      this.#tellRows();
    }
    if (first) {
      // The first picture is not kept waiting for the smaller one.
      this.#mapDue = true;
      this.#task.request();
    } else if (draws || this.#mapDue) {
      this.#mapDue = false;
      const data = this.#windows.overview ?? (this.rows.many ? null : this.#windows.main);
      this.#options.minimap?.draw(replica, data, base, camera.view, scene.now, this.stage.colors);
    }
    this.#tell(base, active ? null : (replica.follow?.runStop ?? null));
    // Nothing moves while the server or its scheduler is silent: the clock stands still.
    const inView = scene.now < camera.view.until + span(camera.view) * 0.01;
    const grows = isActive(replica, clock) && live.flowing() && inView;
    if (camera.moving || easing || grows || this.#windows.waiting) this.#task.request();
  }

  /** Nothing is drawn yet and what there is to draw is on its way: a picture without it would only keep it waiting. */
  #waitsForData(): boolean {
    if (this.#drawn !== null || this.#options.live.replica.runs.length === 0) return false;
    if (this.#windows.answered || this.#patience === 'gone') return false;
    this.#patience ??= setTimeout(() => {
      this.#patience = 'gone';
      this.#changed();
    }, PATIENCE);
    return true;
  }

  #scene(base: TimeBase): Scene {
    const { replica } = this.#options.live;
    return {
      replica,
      view: this.camera.view,
      base,
      now: base.relative(replica.clock() * 1e6),
      main: this.#windows.main,
      groups: this.#windows.groups,
      overview: this.#windows.overview,
      functions: this.#shown.set,
      filter: this.#shown.filter,
      zooms: this.#moving === 'zooms',
      hover: this.#hover,
      selected: this.selection.hit,
    };
  }

  #moved(now: number): boolean {
    if (this.#drawn === null) return true;
    const visible = this.camera.perPixel * VISIBLE;
    const before = this.#drawn.view;
    const { view } = this.camera;
    return (
      Math.abs(before.since - view.since) >= visible ||
      Math.abs(before.until - view.until) >= visible ||
      Math.abs(this.#drawn.now - now) >= visible
    );
  }

  #applyFilter(): void {
    const { names } = this.#options.live.replica;
    const { functions, theme } = this.stage.colors;
    if (names.length > functions || (this.#highlighted === -1 && names.includes(this.#highlight ?? '')))
      this.setColors(theme);
    this.#shown = this.#filters.shown(names);
  }

  #plan(base: TimeBase, clock: number): void {
    const { view, perPixel } = this.camera;
    const { stage, rows } = this;
    const history = this.camera.history();
    const all = this.#options.live.replica.tracks.length;
    this.#windows.plan({
      since: base.absolute(view.since),
      until: base.absolute(view.until),
      perPixel,
      // Beyond a playhead there is more that is known.
      now: Math.max(clock, this.#options.live.replica.playhead?.until ?? 0) * 1e6,
      functions: this.#shown.list,
      filter: this.#shown.filter,
      moving: this.#drawn === null ? 'opens' : this.#moving,
      start: history === null ? null : base.absolute(history.start),
      stop: history === null ? clock * 1e6 : base.absolute(history.stop),
      ...rowsWanted(stage.layout, stage.scroll, stage.height, !rows.many),
      sum: rows.many ? { row: FIRST_GROUP, ranges: [0, all] } : null,
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
    const { pointer } = this.camera;
    const hit = pointer === null ? null : this.#find(pointer, scene);
    if (sameHit(hit, this.#hover)) return;
    this.#hover = hit;
    this.#options.onHover(hit);
  }

  #tellRows(): void {
    const { scroll, height, stack } = this.stage;
    const { rows } = this.rows;
    const last = this.#toldRows;
    if (last?.rows === rows && last.scroll === scroll && last.height === height && last.total === stack.height) return;
    this.#toldRows = { rows, scroll, height, total: stack.height };
    this.#options.onRows(this.#toldRows);
  }

  #tell(base: TimeBase, runStop: number | null): void {
    const { view, following } = this.camera;
    const main = this.#windows.main ?? this.#windows.groups;
    this.#report.tell(this.stage, {
      following,
      idleSince: runStop === null ? null : runStop / 1e6,
      mode: main?.mode ?? 'empty',
      level: main?.mode === 'shares' ? main.level : null,
      scrolls: this.stage.scrollable > 0,
      elapsed: this.stage.elapsed,
      since: base.absolute(view.since) / 1e6,
      until: base.absolute(view.until) / 1e6,
    });
  }
}
