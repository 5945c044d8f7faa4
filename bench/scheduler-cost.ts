import { setTimeout as sleep } from 'node:timers/promises';
import { DaskCluster, type DaskDriver } from '../test/support/dask-cluster.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { COUNTS_INSTRUCTIONS, instructionsOf } from './support/instructions.ts';
import { fixed, report } from './support/report.ts';
import { generator, type Interval, median, ratioInterval, shuffled } from './support/stats.ts';
import { Crowd, watchBokeh, watchOurs } from './support/viewers.ts';

/**
 * Who watches while the cluster works. "nobody again" is the method's own error; "an empty plugin" is what Dask itself takes
 * for calling any plugin, less than which nothing can cost that hears of tasks.
 */
const PAIRED = ['nobody again', 'an empty plugin', 'ours 1', 'ours 20'] as const;
const WATCHED = ['nobody', ...PAIRED, 'bokeh 1', 'bokeh 20'] as const;
type Watched = (typeof WATCHED)[number];

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
  readonly rounds: number;
  /** Each of those that are paired, so often a round. */
  readonly pairs: number;
  /** Tasks per measurement. */
  readonly tasks: number;
}

const WORKLOAD = `
def work(count):
    cpu, wall = client.run_on_scheduler(time.process_time), time.perf_counter()
    futures = client.map(lambda x: x, range(count), pure=False)
    wait(futures)
    wall = time.perf_counter() - wall
    del futures
    time.sleep(0.5)
    return [client.run_on_scheduler(time.process_time) - cpu, wall]

def empty(dask_scheduler):
    from distributed.diagnostics.plugin import SchedulerPlugin
    class Empty(SchedulerPlugin):
        def transition(self, key, start, finish, *args, **kwargs):
            pass
    dask_scheduler.add_plugin(Empty(), name="empty")

def remove(dask_scheduler):
    dask_scheduler.remove_plugin(name="empty")

def pin(dask_scheduler):
    import os
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

client.run_on_scheduler(pin)
`;

/**
 * The same load with and without viewers, many short measurements on a running scheduler. Each that is watched stands
 * between two that are not, and is compared with their mean, so that a machine or a scheduler that changes slowly
 * favours nobody. Each round is on a cluster of its own.
 */
export async function main(options: Options): Promise<void> {
  const { rounds, pairs, tasks } = options;
  const draw = generator(rounds);
  const all = new Map<Watched, Sample[]>(WATCHED.map((watched) => [watched, []]));
  const ratios = new Map<Watched, Ratio[]>(WATCHED.map((watched) => [watched, []]));
  for (let round = 1; round <= rounds; round++) {
    await using cluster = await DaskCluster.start({ workers: 2, threads: 2, dashboard: true });
    const driver = await cluster.client();
    await driver.run(WORKLOAD);
    const measured = async (watched: Watched, crowd: Crowd | null): Promise<Sample> => {
      const sample = await measure(cluster, driver, tasks, crowd);
      all.get(watched)!.push(sample);
      const { cpuPerTask, instructionsPerTask, tasksPerSecond } = sample;
      const figures = `${fixed(cpuPerTask, 0)} µs, ${fixed(instructionsPerTask, 0)} thousand instructions`;
      console.log(`round ${round}: ${watched}: ${figures}, ${fixed(tasksPerSecond, 0)}/s`);
      return sample;
    };
    for (let i = 0; i < 2; i++) await measure(cluster, driver, tasks, null);
    const unwatched = [await measured('nobody', null)];
    for (const watched of Array.from({ length: pairs }, () => shuffled(PAIRED, draw)).flat()) {
      const sample = await watching(watched, cluster, driver, (crowd) => measured(watched, crowd));
      const before = unwatched.at(-1)!;
      unwatched.push(await measured('nobody', null));
      ratios.get(watched)!.push(ratio(sample, [before, unwatched.at(-1)!]));
    }
    // Last, because its sessions go on for half a minute after their viewers left.
    await using crowd = await Crowd.open(1, () => watchBokeh(cluster.dashboardPort, 'status'));
    for (const watched of ['bokeh 1', 'bokeh 20'] as const) {
      const count = watched === 'bokeh 1' ? 1 : 20;
      while (crowd.viewers.length < count) crowd.viewers.push(await watchBokeh(cluster.dashboardPort, 'status'));
      await sleep(1_000);
      ratios.get(watched)!.push(ratio(await measured(watched, crowd), unwatched));
    }
  }
  publish(options, all, ratios);
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

/** Runs something while so many watch, or none. */
async function watching<T>(
  watched: Watched,
  cluster: DaskCluster,
  driver: DaskDriver,
  run: (crowd: Crowd | null) => Promise<T>,
): Promise<T> {
  if (watched === 'nobody again') return await run(null);
  if (watched === 'an empty plugin') {
    await driver.run('client.run_on_scheduler(empty)');
    const result = await run(null);
    await driver.run('client.run_on_scheduler(remove)');
    return result;
  }
  await using taskglass = await Taskglass.start([cluster.address]);
  const now = Date.now() / 1000;
  await using crowd = await Crowd.open(watched === 'ours 1' ? 1 : 20, () => watchOurs(taskglass.origin, now));
  await sleep(1_000);
  return await run(crowd);
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

function publish(options: Options, all: Map<Watched, Sample[]>, ratios: Map<Watched, Ratio[]>): void {
  const intervals: Partial<Record<Watched, { cpu: Interval; instructions: Interval }>> = {};
  const rows = WATCHED.map((watched) => {
    const of = (figure: (sample: Sample) => number): number => median(all.get(watched)!.map(figure));
    const pairs = ratios.get(watched)!;
    const cpu = ratioInterval(pairs.map((pair) => pair.cpu));
    const instructions = ratioInterval(pairs.map((pair) => pair.instructions));
    if (pairs.length > 0) intervals[watched] = { cpu, instructions };
    return [
      watched,
      fixed(
        of((s) => s.tasksPerSecond),
        0,
      ),
      fixed(
        of((s) => s.cpuPerTask),
        0,
      ),
      pairs.length > 0 ? text(cpu) : '1',
      ...(COUNTS_INSTRUCTIONS ? [pairs.length > 0 ? text(instructions) : '1'] : []),
      fixed(of((s) => s.bytesPerSecond) / 1000, 0),
    ];
  });
  report({
    name: 'scheduler-cost',
    about:
      `What watching costs a Dask scheduler (2026.8.0, 2 workers × 2 threads on the same machine, the scheduler on one core) while it runs ${options.tasks} ` +
      `trivial tasks at a time: ${options.rounds} clusters, on each everyone ${options.pairs} times in random order (Bokeh: once). Medians; the ratio is of CPU ` +
      'per task to the mean of unwatched just before and just after (Bokeh: of all in the round), with the 95 % interval of its median. "nobody again" ' +
      'is measured as the watched ones are: what the method cannot tell apart. "an empty plugin" is a SchedulerPlugin that does nothing. ' +
      '"bokeh" is /status of the dashboard inside the scheduler.',
    head: [
      'viewers',
      'tasks/s',
      'scheduler CPU per task, µs',
      'ratio to nobody',
      ...(COUNTS_INSTRUCTIONS ? ['ratio of instructions'] : []),
      'kB/s to all viewers',
    ],
    rows,
    data: { options, samples: Object.fromEntries(all), ratios: Object.fromEntries(ratios), intervals },
  });
}

const text = ({ median: middle, low, high }: Interval): string =>
  `${fixed(middle, 3)} (${fixed(low, 3)}–${fixed(high, 3)})`;
