import { setTimeout as sleep } from 'node:timers/promises';
import { DaskCluster, type DaskDriver } from '../test/support/dask-cluster.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { fixed, report } from './support/report.ts';
import { generator, type Interval, median, ratioInterval, shuffled } from './support/stats.ts';
import { Crowd, watchBokeh, watchOurs } from './support/viewers.ts';

/** Who watches while the cluster works. */
const WATCHED = ['nobody', 'ours 1', 'ours 20', 'bokeh 1', 'bokeh 20'] as const;
type Watched = (typeof WATCHED)[number];

interface Sample {
  /** Microseconds of the scheduler process's CPU per task. */
  readonly cpuPerTask: number;
  readonly tasksPerSecond: number;
  /** Bytes per second to all viewers. */
  readonly bytesPerSecond: number;
}

export interface Options {
  readonly rounds: number;
  /** With and without ours, one after the other, so often a round. */
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
`;

/** The same load with and without viewers; each round on a cluster of its own, so that nothing lingers. */
export async function main(options: Options): Promise<void> {
  const { rounds, pairs, tasks } = options;
  const draw = generator(rounds);
  const samples: Record<Watched, Sample[]> = { nobody: [], 'ours 1': [], 'ours 20': [], 'bokeh 1': [], 'bokeh 20': [] };
  const ratios: Record<Watched, number[]> = { nobody: [], 'ours 1': [], 'ours 20': [], 'bokeh 1': [], 'bokeh 20': [] };
  for (let round = 1; round <= rounds; round++) {
    await using cluster = await DaskCluster.start({ workers: 2, threads: 2, dashboard: true });
    const driver = await cluster.client();
    await driver.run(WORKLOAD);
    await measure(driver, tasks, null);
    const unwatched: number[] = [];
    const note = (watched: Watched, sample: Sample): void => {
      samples[watched].push(sample);
      console.log(
        `round ${round}: ${watched}: ${fixed(sample.cpuPerTask, 0)} µs, ${fixed(sample.tasksPerSecond, 0)}/s`,
      );
    };
    const measureNobody = async (): Promise<Sample> => {
      const sample = await measure(driver, tasks, null);
      note('nobody', sample);
      unwatched.push(sample.cpuPerTask);
      return sample;
    };
    const ours = shuffled([...Array(pairs).fill(1), ...Array(pairs).fill(20)] as number[], draw);
    for (const viewers of ours) {
      // Before or after its pair by chance: a scheduler that ages must not favour either.
      const watched: Watched = viewers === 1 ? 'ours 1' : 'ours 20';
      const nobodyFirst = draw() < 0.5;
      const before = nobodyFirst ? await measureNobody() : undefined;
      const sample = await measureOurs(cluster, driver, tasks, viewers);
      note(watched, sample);
      const base = before ?? (await measureNobody());
      ratios[watched].push(sample.cpuPerTask / base.cpuPerTask);
    }
    // Last, because its sessions go on for half a minute after their viewers left.
    await using crowd = await Crowd.open(1, () => watchBokeh(cluster.dashboardPort, 'status'));
    for (const watched of ['bokeh 1', 'bokeh 20'] as const) {
      const count = watched === 'bokeh 1' ? 1 : 20;
      while (crowd.viewers.length < count) crowd.viewers.push(await watchBokeh(cluster.dashboardPort, 'status'));
      await sleep(1_000);
      const sample = await measure(driver, tasks, crowd);
      note(watched, sample);
      ratios[watched].push(sample.cpuPerTask / median(unwatched));
    }
  }
  publish(options, samples, ratios);
}

async function measureOurs(cluster: DaskCluster, driver: DaskDriver, tasks: number, viewers: number): Promise<Sample> {
  await using taskglass = await Taskglass.start([cluster.address]);
  const now = Date.now() / 1000;
  await using crowd = await Crowd.open(viewers, () => watchOurs(taskglass.origin, now));
  await sleep(1_000);
  return await measure(driver, tasks, crowd);
}

async function measure(driver: DaskDriver, tasks: number, crowd: Crowd | null): Promise<Sample> {
  const bytes = crowd?.bytes ?? 0;
  const [cpu, wall] = await driver.run<[number, number]>(`work(${tasks})`);
  return {
    cpuPerTask: (cpu / tasks) * 1e6,
    tasksPerSecond: tasks / wall,
    bytesPerSecond: ((crowd?.bytes ?? 0) - bytes) / wall,
  };
}

function publish(options: Options, samples: Record<Watched, Sample[]>, ratios: Record<Watched, number[]>): void {
  const intervals: Partial<Record<Watched, Interval>> = {};
  const rows = WATCHED.map((watched) => {
    const of = samples[watched];
    const interval = watched === 'nobody' ? undefined : ratioInterval(ratios[watched]);
    if (interval !== undefined) intervals[watched] = interval;
    return [
      watched,
      fixed(median(of.map((sample) => sample.tasksPerSecond)), 0),
      fixed(median(of.map((sample) => sample.cpuPerTask)), 0),
      interval === undefined
        ? '1'
        : `${fixed(interval.median, 3)} (${fixed(interval.low, 3)}–${fixed(interval.high, 3)})`,
      fixed(median(of.map((sample) => sample.bytesPerSecond)) / 1000, 0),
    ];
  });
  report({
    name: 'scheduler-cost',
    about:
      `What watching costs a Dask scheduler (2026.8.0, 2 workers × 2 threads on the same machine) while it runs ${options.tasks} ` +
      `trivial tasks at a time: ${options.rounds} rounds, each on a new cluster, all five in each. Medians; the ratio is of CPU ` +
      'per task to unwatched just before or after (Bokeh: in the same round), with the 95 % interval of its median. "bokeh" is /status of the dashboard inside the scheduler.',
    head: ['viewers', 'tasks/s', 'scheduler CPU per task, µs', 'ratio to nobody', 'kB/s to all viewers'],
    rows,
    data: { options, samples, ratios, intervals },
  });
}
