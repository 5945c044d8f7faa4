import { type Micros, toMicros } from '../../../model/units.ts';
import type { Replica } from '../../../store/replica.ts';
import { followHistory, followRecent, historyBounds, isActive, runAt, runBounds, withGapAfter } from '../runs.ts';
import { type FollowTarget, followStep, followTarget, settled } from './follow.ts';
import { Motion, type Movement } from './motion.ts';
import {
  type Bounds,
  clamp,
  fitTo,
  pan,
  scaleOf,
  span,
  TimeBase,
  timeAt,
  type Viewport,
  zoomAbout,
} from './viewport.ts';

export interface CameraOptions {
  readonly replica: Replica;
  /** What following means: the last 1,000 tasks, or the last 100,000. */
  readonly follows: 'recent' | 'history';
  /** Epoch seconds to open with instead. */
  readonly start: { readonly since: number; readonly until: number } | null;
  readonly reducedMotion: () => boolean;
  /** The view is to be looked at again in the next frame. */
  readonly changed: () => void;
}

/** What somebody looks at, for an address; `since` and `until` are epoch seconds. */
export interface ViewState {
  readonly since: number;
  readonly until: number;
  readonly follow: boolean;
}

const NO_HISTORY_SPAN = 10e6;

/** Which part of time a stream shows: where people move it, and where it goes by itself. */
export class Camera {
  readonly #options: CameraOptions;
  readonly #motion = new Motion();
  /** Where to look as soon as there is a time base. */
  #start: CameraOptions['start'];
  #view: Viewport = { since: 0, until: NO_HISTORY_SPAN };
  #base: TimeBase | null = null;
  #following: boolean;
  /** Where it wanted to be in the last frame in which it followed. */
  #target: FollowTarget | null = null;
  #placed = false;
  #lastFrame = 0;
  /** Device pixels of the plot. */
  width = 0;
  /** Where the pointer is; movements by key go on about it. */
  pointer: { readonly x: number; readonly y: number } | null = null;

  constructor(options: CameraOptions) {
    this.#options = options;
    this.#start = options.start;
    this.#following = options.start === null;
  }

  get view(): Viewport {
    return this.#view;
  }

  /** Null before the scheduler's clock is known. */
  get base(): TimeBase | null {
    return this.#base;
  }

  get following(): boolean {
    return this.#following;
  }

  get moving(): boolean {
    return this.#motion.moving;
  }

  get perPixel(): number {
    return span(this.#view) / Math.max(1, this.width);
  }

  // What people do. Positions are device pixels of the plot.

  panBy(pixels: number): void {
    this.#byHand(pan(this.#view, pixels * this.perPixel));
  }

  zoomAt(x: number, factor: number): void {
    this.#byHand(zoomAbout(this.#view, this.#timeAt(x), factor));
  }

  zoomCentre(factor: number): void {
    this.jump(zoomAbout(this.#view, this.#about(), factor));
  }

  lookAt(view: Viewport): void {
    this.#byHand(view);
  }

  press(movement: Movement): void {
    this.#following = false;
    this.#motion.press(movement, performance.now());
    this.#options.changed();
  }

  /** Null: all movements. */
  release(movement: Movement | null): void {
    if (movement === null) this.#motion.releaseAll();
    else this.#motion.release(movement);
  }

  /** The run in view as a whole; from there, all of history. */
  fit(): void {
    const history = this.history();
    if (history === null || this.#base === null) return;
    const { allRuns: runs } = this.#options.replica;
    const middle = (this.#view.since + Math.min(this.#view.until, history.stop)) / 2;
    const run = runs[Math.max(0, runAt(runs, this.#base, middle))];
    const target = fitTo(run === undefined ? history : this.#runBounds(run, this.#base));
    const near = (a: number, b: number): boolean => Math.abs(a - b) < span(target) * 0.01;
    const there = near(target.since, this.#view.since) && near(target.until, this.#view.until);
    this.jump(there ? fitTo(history) : target);
  }

  follow(): void {
    this.#following = true;
    this.#motion.interrupt();
    this.#options.changed();
  }

  /** Shows the run before or after the one in view. */
  goToRun(direction: 1 | -1): void {
    if (this.#base === null) return;
    const { allRuns: runs } = this.#options.replica;
    const at = runAt(runs, this.#base, (this.#view.since + this.#view.until) / 2);
    const run = runs[Math.max(0, Math.min(runs.length - 1, at + direction))];
    if (run !== undefined) this.jump(fitTo(this.#runBounds(run, this.#base)));
  }

  /** Looks at a time range, epoch µs. */
  show(since: Micros, until: Micros): void {
    if (this.#base !== null) this.jump({ since: this.#base.relative(since), until: this.#base.relative(until) });
  }

  /** Looks at a moment, epoch seconds: as wide as now, with it in the middle. False: there is nothing then. */
  goTo(time: number): boolean {
    const history = this.history();
    if (this.#base === null || history === null) return false;
    const at = this.#base.relative(time * 1e6);
    const wide = span(this.#view);
    if (at < history.start - wide || at > history.stop + wide) return false;
    this.jump({ since: at - wide / 2, until: at + wide / 2 });
    return true;
  }

  /** When the run in the middle of the view began, epoch seconds; null where there is none. */
  get runStart(): number | null {
    const { allRuns: runs } = this.#options.replica;
    if (this.#base === null) return null;
    return runs[Math.max(0, runAt(runs, this.#base, (this.#view.since + this.#view.until) / 2))]?.start ?? null;
  }

  /** Brings what lies at [start, stop) epoch µs into view; `closely`: wide enough to be seen as well. */
  reveal(start: Micros, stop: Micros, closely: boolean, leastPixels: number): void {
    if (this.#base === null) return;
    const [from, to] = [this.#base.relative(start), this.#base.relative(stop)];
    const outside = from < this.#view.since || to > this.#view.until;
    const tiny = (to - from) / this.perPixel < leastPixels;
    if (!outside && !(closely && tiny)) return;
    const wide = closely && tiny ? (to - from) * 24 : Math.max(span(this.#view), (to - from) * 1.5);
    const middle = (from + to) / 2;
    this.jump({ since: middle - wide / 2, until: middle + wide / 2 });
  }

  /** Goes to a view in the stream's time, smoothly where that is wanted. */
  jump(to: Viewport): void {
    this.#following = false;
    this.#motion.jump(this.#view, this.#clamped(to), performance.now(), !this.#options.reducedMotion());
    this.#options.changed();
  }

  /** What an address needs to show the same again. */
  state(): ViewState {
    const seconds = (time: number): number => (this.#base?.absolute(time) ?? 0) / 1e6;
    return { since: seconds(this.#view.since), until: seconds(this.#view.until), follow: this.#following };
  }

  /** Shows what another stream showed; parts that are absent stay as they are. */
  apply({ since, until, follow }: Partial<ViewState>): void {
    if (follow === true) this.follow();
    else if (since === undefined || until === undefined) return;
    else if (this.#base !== null) this.show(since * 1e6, until * 1e6);
    else {
      this.#start = { since, until };
      this.#following = false;
    }
  }

  // How it works.

  /** Where history lies, in the stream's time; null while there is none. */
  history(): Bounds | null {
    const { replica } = this.#options;
    return this.#base === null ? null : historyBounds(replica, this.#base, replica.clock());
  }

  /** Begins the stream's time, once the scheduler's clock is known. */
  begin(clock: number): TimeBase {
    if (this.#base !== null) return this.#base;
    const base = new TimeBase(toMicros(this.#options.replica.allRuns[0]?.start ?? clock));
    this.#base = base;
    if (this.#start !== null) {
      this.#view = { since: base.relative(this.#start.since * 1e6), until: base.relative(this.#start.until * 1e6) };
    }
    return base;
  }

  /** One frame; `easing`: it is not where it wants to be. `active`: time goes on in what is followed. */
  step(time: number, clock: number): { easing: boolean; active: boolean } {
    const { replica, follows, reducedMotion } = this.#options;
    const base = this.begin(clock);
    const ms = Math.min(100, Math.max(0, time - this.#lastFrame));
    this.#lastFrame = time;
    const input = (follows === 'recent' ? followRecent : followHistory)(replica, base, clock);
    const active = input?.active === true;
    if (this.#motion.moving) this.#view = this.#clamped(this.#motion.step(this.#view, time, this.#about()));
    else if (this.#following && input !== null) {
      const target = followTarget(input, this.#target);
      this.#target = target;
      this.#view = followStep(this.#placed ? this.#view : null, target, ms, !reducedMotion());
      return { easing: !settled(this.#view, target), active };
    } else if (this.#following && !this.#placed) {
      const now = base.relative(clock * 1e6);
      this.#view = { since: now, until: now + NO_HISTORY_SPAN };
    }
    return { easing: false, active };
  }

  /** Something was drawn: from now on a view that follows moves from where it is. */
  settle(): void {
    this.#placed = true;
  }

  #timeAt(x: number): number {
    return timeAt(scaleOf(this.#view, this.width), x);
  }

  #about(): number {
    const x = this.pointer?.x;
    return x === undefined ? (this.#view.since + this.#view.until) / 2 : this.#timeAt(x);
  }

  #byHand(view: Viewport): void {
    this.#following = false;
    this.#motion.interrupt();
    this.#view = this.#clamped(view);
    this.#options.changed();
  }

  #clamped(view: Viewport): Viewport {
    const history = this.history();
    return history === null ? view : clamp(view, history);
  }

  #runBounds(run: Parameters<typeof runBounds>[0], base: TimeBase): Bounds {
    const { replica } = this.#options;
    const bounds = withGapAfter(replica, base, runBounds(run, base));
    const now = replica.clock();
    const open = run === replica.runs.at(-1) && isActive(replica, now);
    return open ? { start: bounds.start, stop: Math.max(bounds.stop, base.relative(now * 1e6)) } : bounds;
  }
}
