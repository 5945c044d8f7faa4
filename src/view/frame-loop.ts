/** What runs first in a frame: what came in becomes signals, then plots, then whatever can wait. */
const FRAME_PRIORITIES = ['state', 'draw', 'late'] as const;
export type FramePriority = (typeof FRAME_PRIORITIES)[number];

/** One subscriber's share of the frames. */
export interface FrameTask extends Disposable {
  /** Asks for one run in the next frame. Asking again before that changes nothing: late work is replaced, not queued. */
  request(): void;
}

/** What the loop needs of a browser; a test hands in its own. */
export interface FrameHost {
  requestAnimationFrame(callback: (time: number) => void): number;
  cancelAnimationFrame(handle: number): void;
  now(): number;
  /** Called with the milliseconds of script that a frame took. */
  measured?(start: number, duration: number): void;
  failed?(error: unknown): void;
}

/** The name under which each frame's work appears in the browser's performance tools and to a PerformanceObserver. */
const FRAME_MEASURE = 'taskglass:frame';

const browserHost: FrameHost = {
  requestAnimationFrame: (callback) => globalThis.requestAnimationFrame(callback),
  cancelAnimationFrame: (handle) => globalThis.cancelAnimationFrame(handle),
  now: () => performance.now(),
  measured: (start, duration) => {
    performance.measure(FRAME_MEASURE, { start, duration });
    // Observers and traces have it already; without this the browser would keep every one.
    performance.clearMeasures(FRAME_MEASURE);
  },
  failed: (error) => reportError(error),
};

interface Entry {
  readonly run: (time: number) => void;
  wanted: boolean;
}

/**
 * The page's only requestAnimationFrame. It runs while somebody asks and costs nothing otherwise; a browser calls no
 * animation frames in a hidden tab, so everything that draws pauses there by itself.
 */
export class FrameLoop {
  readonly #host: FrameHost;
  readonly #entries: Record<FramePriority, Set<Entry>> = { state: new Set(), draw: new Set(), late: new Set() };
  #handle: number | null = null;
  #running = false;
  #frames = 0;

  constructor(host: FrameHost = browserHost) {
    this.#host = host;
  }

  /** Frames run so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Registers work; it runs in frames it asked for with `request`. `time` is the frame's, in ms. */
  add(priority: FramePriority, run: (time: number) => void): FrameTask {
    const entry: Entry = { run, wanted: false };
    const entries = this.#entries[priority];
    entries.add(entry);
    return {
      request: () => {
        if (!entries.has(entry)) return;
        entry.wanted = true;
        this.#schedule();
      },
      [Symbol.dispose]: () => {
        entry.wanted = false;
        entries.delete(entry);
      },
    };
  }

  /** Resolves when what is to be drawn now can be seen: it is drawn in one frame, and on the screen before the next. */
  painted(): Promise<void> {
    return new Promise((resolve) => {
      let left = 2;
      const task = this.add('late', () => {
        left--;
        if (left > 0) return task.request();
        task[Symbol.dispose]();
        resolve();
      });
      task.request();
    });
  }

  dispose(): void {
    if (this.#handle !== null) this.#host.cancelAnimationFrame(this.#handle);
    this.#handle = null;
    for (const priority of FRAME_PRIORITIES) this.#entries[priority].clear();
  }

  #schedule(): void {
    if (this.#handle !== null || this.#running) return;
    this.#handle = this.#host.requestAnimationFrame((time) => this.#frame(time));
  }

  #frame(time: number): void {
    this.#handle = null;
    this.#running = true;
    this.#frames++;
    const start = this.#host.now();
    // What asks again while its own priority runs waits for the next frame; what a signal wakes for drawing
    // is drawn in this one.
    for (const priority of FRAME_PRIORITIES) {
      const due = [...this.#entries[priority]].filter((entry) => entry.wanted);
      for (const entry of due) {
        entry.wanted = false;
        try {
          entry.run(time);
        } catch (error) {
          this.#host.failed?.(error);
        }
      }
    }
    this.#running = false;
    this.#host.measured?.(start, this.#host.now() - start);
    if (FRAME_PRIORITIES.some((priority) => [...this.#entries[priority]].some((entry) => entry.wanted)))
      this.#schedule();
  }
}
