import { setTimeout as sleep } from 'node:timers/promises';
import { DaskCluster, type DaskDriver } from '../test/support/dask-cluster.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { until } from '../test/support/until.ts';
import { cpuOf } from './support/cpu.ts';
import { Gateway } from './support/gateway.ts';
import { COUNTS_INSTRUCTIONS, instructionsOf } from './support/instructions.ts';
import { fixed, report } from './support/report.ts';
import { type Interval, median, ratioInterval } from './support/stats.ts';
import { Crowd, watchBokeh, watchOurs } from './support/viewers.ts';

/** Who watches while the cluster works. "nobody again" is the method's own error. */
const WATCHED = ['nobody', 'nobody again', 'ours 1', 'ours 100', 'bokeh 1', 'bokeh 20'] as const;
type Watched = (typeof WATCHED)[number];
/** What is measured between two times without anybody, over and over. */
const PAIRED: readonly Watched[] = ['ours 1', 'ours 100', 'nobody again', 'ours 100', 'ours 1'];

interface Sample {
  /** Microseconds of the scheduler process's CPU per task. */
  readonly cpuPerTask: number;
  /** Thousands of instructions in user mode per task; NaN where they cannot be counted. */
  readonly instructionsPerTask: number;
  readonly tasksPerSecond: number;
  /** Bytes per second to all viewers. */
  readonly bytesPerSecond: number;
}

export interface Options {
  /** How long it all may take. */
  readonly minutes: number;
  /** On a cluster of its own each. */
  readonly rounds: number;
  /** Tasks per measurement. */
  readonly tasks: number;
}

/** Of a round: what idle clusters and Bokeh take at its end, at most. */
const RESERVED_MS = 60_000;
const IDLE_MS = 5_000;

const WORKLOAD = `
import os

def work(count):
    cpu, wall = client.run_on_scheduler(time.process_time), time.perf_counter()
    futures = client.map(lambda x: x, range(count), pure=False)
    wait(futures)
    wall = time.perf_counter() - wall
    del futures
    time.sleep(0.3)
    return [client.run_on_scheduler(time.process_time) - cpu, wall]

def pin(pids, core):
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), core)

def apart(scheduler, others):
    """The scheduler has a core for itself, so that only its own work is in its caches."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) > 1:
        pin([scheduler], cores[-1:])
        pin([os.getpid(), *others], cores[:-1])
`;

/**
 * The same load with and without viewers, many short measurements on a running scheduler. Each that is watched stands between
 * two that are not, and is compared with their mean, so that a machine or a scheduler that changes slowly favours nobody. Our
 * servers and their viewers are there all the time: it is their way to the scheduler that is opened and closed.
 */
export async function main(options: Options): Promise<void> {
  const all = new Map<Watched, Sample[]>(WATCHED.map((watched) => [watched, []]));
  const idle = new Map<Watched, number[]>(WATCHED.map((watched) => [watched, []]));
  const ratios = new Map<Watched, Ratio[]>(WATCHED.map((watched) => [watched, []]));
  const began = performance.now();
  for (let i = 1; i <= options.rounds; i++) {
    const end = began + (i / options.rounds) * options.minutes * 60_000;
    await round(options, end, {
      loaded(watched, sample) {
        all.get(watched)!.push(sample);
        const { cpuPerTask, instructionsPerTask, tasksPerSecond } = sample;
        const figures = `${fixed(cpuPerTask, 0)} µs, ${fixed(instructionsPerTask, 0)} thousand instructions`;
        console.log(`round ${i}: ${watched}: ${figures}, ${fixed(tasksPerSecond, 0)}/s`);
      },
      paired: (watched, pair) => ratios.get(watched)!.push(pair),
      idle(watched, share) {
        idle.get(watched)!.push(share);
        console.log(`round ${i}: ${watched}: ${fixed(share * 100, 2)} % of a core when idle`);
      },
    });
  }
  publish(options, all, idle, ratios);
}

interface Sink {
  loaded(watched: Watched, sample: Sample): void;
  paired(watched: Watched, pair: Ratio): void;
  idle(watched: Watched, share: number): void;
}

async function round({ tasks }: Options, end: number, sink: Sink): Promise<void> {
  await using cluster = await DaskCluster.start({ workers: 2, threads: 2, dashboard: true });
  await using one = await Watcher.start(cluster, 1);
  await using many = await Watcher.start(cluster, 100);
  const driver = await cluster.client();
  await driver.run(WORKLOAD);
  const others = [...cluster.workers.map((worker) => worker.pid), one.pid, many.pid];
  await driver.run(`apart(${cluster.scheduler.pid}, [${others.join()}])`);

  const measured = async (watched: Watched, crowd: Crowd | null, count = tasks): Promise<Sample> => {
    const sample = await measure(cluster, driver, count, crowd);
    sink.loaded(watched, sample);
    return sample;
  };
  const measuredIdle = async (watched: Watched): Promise<void> => {
    const before = cpuOf(cluster.scheduler);
    const since = performance.now();
    await sleep(IDLE_MS);
    sink.idle(watched, (cpuOf(cluster.scheduler) - before) / ((performance.now() - since) / 1e3));
  };
  const with_ = async (watched: Watched, run: (crowd: Crowd | null) => Promise<void>): Promise<void> => {
    const watcher = watched === 'ours 1' ? one : watched === 'ours 100' ? many : null;
    await watcher?.watch();
    await run(watcher?.crowd ?? null);
    await watcher?.leave();
  };

  for (let i = 0; i < 2; i++) await measure(cluster, driver, tasks, null);
  const unwatched = [await measured('nobody', null)];
  for (let i = 0; performance.now() < end - RESERVED_MS || i < PAIRED.length; i++) {
    const watched = PAIRED[i % PAIRED.length]!;
    let sample: Sample | undefined;
    await with_(watched, async (crowd) => {
      sample = await measured(watched, crowd);
    });
    const before = unwatched.at(-1)!;
    unwatched.push(await measured('nobody', null));
    sink.paired(watched, ratio(sample!, [before, unwatched.at(-1)!]));
  }
  for (const watched of ['nobody', 'ours 1', 'ours 100'] as const) await with_(watched, () => measuredIdle(watched));
  // Last, because its sessions go on for half a minute after their viewers left.
  await using crowd = await Crowd.open(1, () => watchBokeh(cluster.dashboardPort, 'status'));
  await sleep(1_000);
  await measuredIdle('bokeh 1');
  for (const watched of ['bokeh 1', 'bokeh 20'] as const) {
    if (performance.now() > end) break; // a busy machine
    const count = watched === 'bokeh 1' ? 1 : 20;
    while (crowd.viewers.length < count) crowd.viewers.push(await watchBokeh(cluster.dashboardPort, 'status'));
    await sleep(1_000);
    sink.paired(watched, ratio(await measured(watched, crowd, count === 1 ? tasks : Math.ceil(tasks / 4)), unwatched));
  }
}

/** A server of ours and its viewers. They stay; whether it watches the cluster is said by its gateway. */
class Watcher implements AsyncDisposable {
  readonly crowd: Crowd;
  readonly #taskglass: Taskglass;
  readonly #gateway: Gateway;

  private constructor(gateway: Gateway, taskglass: Taskglass, crowd: Crowd) {
    this.#gateway = gateway;
    this.#taskglass = taskglass;
    this.crowd = crowd;
  }

  /** It does not watch yet. */
  static async start(cluster: DaskCluster, viewers: number): Promise<Watcher> {
    const gateway = await Gateway.start(cluster.port);
    const taskglass = await Taskglass.start([`tcp://127.0.0.1:${gateway.port}`]);
    const now = Date.now() / 1000;
    const crowd = await Crowd.open(viewers, () => watchOurs(taskglass.origin, now));
    const watcher = new Watcher(gateway, taskglass, crowd);
    await watcher.leave();
    return watcher;
  }

  get pid(): number {
    return this.#taskglass.child.pid;
  }

  async watch(): Promise<void> {
    this.#gateway.open();
    await until('the server to watch', async () => (await this.#link()) === 'connected', { every: 10 });
    await sleep(500);
  }

  async leave(): Promise<void> {
    this.#gateway.close();
    await until('the server to notice', async () => (await this.#link()) !== 'connected', { every: 10 });
    await sleep(300);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crowd[Symbol.asyncDispose]();
    await this.#taskglass[Symbol.asyncDispose]();
    await this.#gateway[Symbol.asyncDispose]();
  }

  async #link(): Promise<unknown> {
    const response = await fetch(this.#taskglass.url('/health'));
    return ((await response.json()) as { readonly link: unknown }).link;
  }
}

interface Ratio {
  readonly cpu: number;
  readonly instructions: number;
}

/** Of one measurement to the mean of others. */
function ratio(sample: Sample, others: readonly Sample[]): Ratio {
  const of = (figure: (sample: Sample) => number): number =>
    (figure(sample) * others.length) / others.reduce((sum, other) => sum + figure(other), 0);
  return { cpu: of((s) => s.cpuPerTask), instructions: of((s) => s.instructionsPerTask) };
}

async function measure(cluster: DaskCluster, driver: DaskDriver, tasks: number, crowd: Crowd | null): Promise<Sample> {
  const bytes = crowd?.bytes ?? 0;
  const work = (): Promise<[number, number]> => driver.run<[number, number]>(`work(${tasks})`);
  const { value, count } = await instructionsOf(cluster.scheduler.pid, work);
  const [cpu, wall] = value;
  return {
    cpuPerTask: (cpu / tasks) * 1e6,
    instructionsPerTask: count / tasks / 1e3,
    tasksPerSecond: tasks / wall,
    bytesPerSecond: ((crowd?.bytes ?? 0) - bytes) / wall,
  };
}

function publish(
  options: Options,
  all: Map<Watched, Sample[]>,
  idle: Map<Watched, number[]>,
  ratios: Map<Watched, Ratio[]>,
): void {
  const intervals: Partial<Record<Watched, { cpu: Interval; instructions: Interval }>> = {};
  const ratioOf = (watched: Watched, interval: Interval): string =>
    watched === 'nobody' ? '1' : interval.pairs > 0 ? text(interval) : '–';
  const rows = WATCHED.map((watched) => {
    const of = (figure: (sample: Sample) => number, digits = 0): string =>
      fixed(median(all.get(watched)!.map(figure)), digits);
    const pairs = ratios.get(watched)!;
    const cpu = ratioInterval(pairs.map((pair) => pair.cpu));
    const instructions = ratioInterval(pairs.map((pair) => pair.instructions));
    if (pairs.length > 0) intervals[watched] = { cpu, instructions };
    const shares = idle.get(watched)!;
    return [
      watched,
      of((s) => s.tasksPerSecond),
      of((s) => s.cpuPerTask),
      ratioOf(watched, cpu),
      ...(COUNTS_INSTRUCTIONS ? [ratioOf(watched, instructions)] : []),
      shares.length > 0 ? `${fixed(median(shares) * 100, 2)} %` : '–',
      of((s) => s.bytesPerSecond / 1000),
    ];
  });
  const counts = PAIRED.filter((watched, i) => PAIRED.indexOf(watched) === i).map(
    (watched) => `${watched}: ${ratios.get(watched)!.length}`,
  );
  report({
    name: 'scheduler-cost',
    about:
      `What watching costs a Dask scheduler (2026.8.0, 2 workers × 2 threads on the same machine, the scheduler on a core of its own) while it runs ${options.tasks} ` +
      `trivial tasks at a time, on ${options.rounds} clusters. Medians; the ratio is of CPU per task to the mean of unwatched just before and just after ` +
      `(${counts.join(', ')} such triples; Bokeh: once a cluster, for twenty a quarter of the tasks, to all unwatched), with the 95 % interval of its median. "nobody again" is measured as the watched ones ` +
      `are: what the method cannot tell apart. Idle: the share of a core without tasks, ${IDLE_MS / 1000} s each. "bokeh" is /status of the dashboard inside the scheduler.`,
    head: [
      'viewers',
      'tasks/s',
      'scheduler CPU per task, µs',
      'ratio to nobody',
      ...(COUNTS_INSTRUCTIONS ? ['ratio of instructions'] : []),
      'idle scheduler',
      'kB/s to all viewers',
    ],
    rows,
    data: {
      options,
      samples: Object.fromEntries(all),
      idle: Object.fromEntries(idle),
      ratios: Object.fromEntries(ratios),
      intervals,
    },
  });
}

const text = ({ median: middle, low, high }: Interval): string =>
  `${fixed(middle, 3)} (${fixed(low, 3)}–${fixed(high, 3)})`;
