import { makeColumns, type WritableColumns } from '../../src/model/finished-columns.ts';
import type { FinishedColumns, SourceEvent, SourceSink, WorkerInfo } from '../../src/model/source-event.ts';
import { ACTION_INDEX, STATUS_ERRED, STATUS_MEMORY } from '../../src/model/task-state.ts';
import { generator } from './stats.ts';

export interface HistoryOptions {
  /** Finished tasks in all. */
  readonly tasks: number;
  readonly workers: number;
  readonly threads: number;
  readonly functions: number;
  readonly seed: number;
  /** Seconds since epoch at which it begins. */
  readonly start: number;
  /** Seconds that a task takes on average, as near as skewed durations come to it. */
  readonly mean: number;
  /** Share of the functions whose keys are hashes, 0..1; the keys of the others count. */
  readonly hashed: number;
}

const DEFAULTS: HistoryOptions = {
  tasks: 100_000,
  workers: 625,
  threads: 8,
  functions: 60,
  seed: 1,
  start: 1_760_000_000,
  mean: 0.5,
  hashed: 0.5,
};

/** Seconds between two ticks. */
const TICK = 0.1;
/** Of so many tasks, on average, one is reported late, by up to {@link LATE_TICKS}. */
const LATE_ONE_IN = 400;
const LATE_TICKS = 50;
/** A new phase (other functions) after this many tasks a thread; every fourth begins with a pause that ends the run. */
const PHASE_TASKS = 25;
const PAUSE = 20;

interface Task {
  readonly key: string;
  readonly fn: Recipe;
  readonly group: string;
  readonly worker: number;
  readonly thread: number;
  readonly erred: boolean;
  readonly nbytes: number;
  /** action, start, stop, origin: flat. */
  readonly startstops: number[];
}

/** What tasks of one function are like. */
interface Recipe {
  readonly name: string;
  /** Median of its durations; they are log-normal, so a few are many times as long. */
  readonly median: number;
  readonly spread: number;
  readonly transfers: number;
  readonly disk: number;
  readonly errors: number;
  readonly nbytes: number;
  readonly keys: 'hash' | 'index';
}

/** A function of the present phase. */
interface Part {
  readonly recipe: Recipe;
  readonly group: string;
  readonly weight: number;
}

const WORDS = ['read', 'map', 'sum', 'merge', 'shuffle', 'getitem', 'from_delayed', 'blockwise', 'rechunk', 'train'];

/**
 * A history as a source would have told it: ticks of a cluster that works through phases of many functions, with skewed
 * durations, transfers, disk, errors, pauses between runs and some tasks that are reported late. The same for the same seed.
 */
export function* history(sink: SourceSink, options: Partial<HistoryOptions> = {}): Generator<SourceEvent> {
  const made = new HistoryGenerator({ ...DEFAULTS, ...options });
  yield* made.events(sink);
}

class HistoryGenerator {
  readonly #options: HistoryOptions;
  readonly #draw: () => number;
  readonly #recipes: Recipe[];
  #phase: Part[] = [];
  #made = 0;
  /** What tasks waited for, drawn apart: the rest of a history stays the same without it. */
  readonly #drawLinks: () => number;
  #told = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#draw = generator(options.seed);
    this.#drawLinks = generator(options.seed + 1);
    this.#recipes = Array.from({ length: options.functions }, (_, i) => this.#recipe(i));
  }

  *events(sink: SourceSink): Generator<SourceEvent> {
    const { tasks, workers, threads, start } = this.#options;
    const tracks = workers * threads;
    const addresses = Array.from({ length: workers }, (_, i) => `tcp://10.0.${i >> 8}.${i & 255}:${40_000 + i}`);
    yield* this.#beginning(sink, addresses);
    const indices = Uint32Array.from(addresses, (address) => sink.intern('worker', address));
    const free = Float64Array.from({ length: tracks }, () => start + this.#draw() * TICK);
    const late = new Map<number, Task[]>();
    let phaseEnd = 0;
    let phases = 0;
    for (let tick = 1; this.#made < tasks || late.size > 0; tick++) {
      const now = start + tick * TICK;
      const finished = late.get(tick) ?? [];
      late.delete(tick);
      if (this.#made >= phaseEnd) {
        this.#newPhase();
        phaseEnd += tracks * PHASE_TASKS;
        const begin = now + (phases++ % 4 === 3 ? PAUSE : 0);
        for (let track = 0; track < tracks; track++) free[track] = Math.max(free[track]!, begin);
      }
      for (let track = 0; track < tracks && this.#made < tasks; track++) {
        while (free[track]! < now && this.#made < tasks) {
          const task = this.#task(track, free[track]!);
          // It is reported in the tick after its end, whenever that is.
          const stop = task.startstops.at(-2)!;
          free[track] = stop + this.#draw() * 0.002;
          const lateness = this.#draw() * LATE_ONE_IN < 1 ? Math.floor(this.#draw() * LATE_TICKS) : 0;
          const due = Math.ceil((stop - start) / TICK) + lateness;
          if (due <= tick) finished.push(task);
          else pushTo(late, due, task);
        }
      }
      if (finished.length === 0) continue;
      yield { kind: 'tick', time: now, finished: this.#linked(columnsOf(sink, finished, indices)) };
    }
  }

  /** Most tasks depend on one or two before them, a few on many; they wait for milliseconds to seconds. */
  #linked(columns: WritableColumns): FinishedColumns {
    const draw = this.#drawLinks;
    const back: number[] = [];
    let slice = 0;
    for (let row = 0; row < columns.length; row++) {
      columns.ready[row] = columns.start[slice]! - 0.0005 - 3 * draw() ** 6;
      slice += columns.startstops[row]!;
      const kind = draw();
      const wanted = kind < 0.3 ? 0 : kind < 0.75 ? 1 : kind < 0.98 ? 2 : 8;
      for (let i = 0; i < wanted && this.#told > 0; i++) {
        back.push(1 + Math.floor(draw() ** 2 * Math.min(this.#told, 50_000)));
        columns.dependencies[row]!++;
      }
      columns.needs[row] = columns.dependencies[row]!;
      this.#told++;
    }
    columns.back = Uint32Array.from(back);
    return columns;
  }

  *#beginning(sink: SourceSink, addresses: readonly string[]): Generator<SourceEvent> {
    const { start, threads } = this.#options;
    const address = 'tcp://10.0.0.0:8786';
    const common = { engine: 'dask', mode: 'feed', version: '2026.8.0', services: {} } as const;
    yield { kind: 'cluster', time: start, address, id: `Scheduler-${this.#options.seed}`, started: start, ...common };
    yield { kind: 'link', state: 'connected', time: start, reason: '' };
    const added = addresses.map(
      (worker, i): WorkerInfo => ({
        worker: sink.intern('worker', worker),
        address: worker,
        name: `worker-${i}`,
        host: `10.0.${i >> 8}.${i & 0xfc}`,
        nthreads: threads,
        memoryLimit: 32e9,
        version: common.version,
        services: {},
        nanny: '',
        pid: 1_000 + i,
        localDirectory: '',
      }),
    );
    yield { kind: 'tick', time: start, workers: { added } };
  }

  #recipe(i: number): Recipe {
    const draw = this.#draw;
    return {
      name: `${WORDS[i % WORDS.length]}${i < WORDS.length ? '' : `_${Math.floor(i / WORDS.length)}`}`,
      median: this.#options.mean * 2 ** (6 * draw() - 4),
      spread: 0.3 + draw(),
      transfers: draw() < 0.5 ? draw() : 0,
      disk: draw() < 0.15 ? draw() * 0.3 : 0,
      errors: draw() < 0.2 ? 0.005 : 0,
      nbytes: 2 ** (4 + 22 * draw()),
      keys: draw() < this.#options.hashed ? 'hash' : 'index',
    };
  }

  /** A handful of functions, of which the first ones make most tasks. */
  #newPhase(): void {
    const count = 3 + Math.floor(this.#draw() * 8);
    this.#phase = Array.from({ length: count }, (_, rank) => {
      const recipe = this.#recipes[Math.floor(this.#draw() * this.#recipes.length)]!;
      return { recipe, group: `${recipe.name}-${this.#hex(4)}`, weight: 1 / (rank + 1) };
    });
  }

  #task(track: number, from: number): Task {
    const { threads, workers } = this.#options;
    const number = this.#made++;
    const { recipe, group } = this.#pick();
    const { compute, transfer, 'disk-read': diskRead } = ACTION_INDEX;
    const startstops: number[] = [];
    let at = from;
    if (this.#draw() < recipe.transfers) {
      const stop = at + 0.001 + this.#skewed(recipe.median / 8, 1);
      startstops.push(transfer, at, stop, 1 + Math.floor(this.#draw() * workers));
      at = stop;
    }
    if (this.#draw() < recipe.disk) {
      const stop = at + 0.0005 + this.#skewed(recipe.median / 20, 1);
      startstops.push(diskRead, at, stop, 0);
      at = stop;
    }
    startstops.push(compute, at, at + this.#skewed(recipe.median, recipe.spread), 0);
    return {
      key: recipe.keys === 'hash' ? `${recipe.name}-${this.#hex(4)}` : `('${group}', ${number >> 6}, ${number & 63})`,
      fn: recipe,
      group: recipe.keys === 'hash' ? recipe.name : group,
      worker: Math.floor(track / threads),
      thread: 140_000_000_000_000 + track * 4_096,
      erred: this.#draw() < recipe.errors,
      nbytes: Math.round(recipe.nbytes * (0.5 + this.#draw())),
      startstops,
    };
  }

  #pick(): Part {
    let left = this.#draw() * this.#phase.reduce((sum, { weight }) => sum + weight, 0);
    for (const part of this.#phase) {
      left -= part.weight;
      if (left < 0) return part;
    }
    return this.#phase[0]!;
  }

  /** Log-normal, in seconds. */
  #skewed(median: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#draw())) * Math.cos(2 * Math.PI * this.#draw());
    return Math.max(2e-5, median * Math.exp(spread * normal));
  }

  #hex(words: number): string {
    let text = '';
    for (let i = 0; i < words; i++) text += (0x1_0000_0000 + this.#draw() * 0x1_0000_0000).toString(16).slice(1, 9);
    return text;
  }
}

function pushTo(map: Map<number, Task[]>, key: number, task: Task): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [task]);
  else list.push(task);
}

function columnsOf(sink: SourceSink, tasks: readonly Task[], workers: Uint32Array): WritableColumns {
  let count = 0;
  for (const task of tasks) count += task.startstops.length / 4;
  const columns: WritableColumns = {
    ...makeColumns(tasks.length, count, false),
    keys: tasks.map((task) => task.key),
    fn: Uint32Array.from(tasks, (task) => sink.intern('function', task.fn.name)),
    group: Uint32Array.from(tasks, (task) => sink.intern('group', task.group)),
    worker: Uint32Array.from(tasks, (task) => workers[task.worker]!),
    thread: Float64Array.from(tasks, (task) => task.thread),
    type: Uint32Array.from(tasks, (task) => sink.intern('type', task.erred ? '' : 'numpy.ndarray')),
    status: Uint8Array.from(tasks, (task) => (task.erred ? STATUS_ERRED : STATUS_MEMORY)),
    nbytes: Float64Array.from(tasks, (task) => task.nbytes),
    startstops: Uint16Array.from(tasks, (task) => task.startstops.length / 4),
  };
  let at = 0;
  tasks.forEach(({ startstops, erred }, row) => {
    for (let i = 0; i < startstops.length; i += 4, at++) {
      columns.action[at] = startstops[i]!;
      columns.start[at] = startstops[i + 1]!;
      columns.stop[at] = startstops[i + 2]!;
      const origin = startstops[i + 3]!;
      columns.origin[at] = origin === 0 ? 0 : workers[origin - 1]!;
    }
    if (erred) columns.errors.set(row, { exception: "ValueError('no such column')", traceback: 'line 1' });
  });
  return columns;
}
