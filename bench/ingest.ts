import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { ROOT } from '../test/support/project-files.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { until } from '../test/support/until.ts';
import { fixed, report } from './support/report.ts';
import { residentAtMost } from './support/resident.ts';

export interface Options {
  readonly tasks: number;
}

const BATCH = 2_000;

interface Cpu {
  readonly user: number;
  readonly system: number;
}

/**
 * The whole way of a finished task, from the scheduler's transition through our agent, TCP, the decoder and the recording on disk
 * into the store: what a task costs our process. The transitions are injected, as no cluster on one machine finishes tasks that fast.
 */
export async function main({ tasks }: Options): Promise<void> {
  await using cluster = await DaskCluster.start({ workers: 1, threads: 4 });
  await using taskglass = await Taskglass.start([cluster.address]);
  const driver = await cluster.client();
  await driver.run(readFileSync(path.join(ROOT, 'test/soak/soak.py'), 'utf8'));
  const rows = [];
  const data = [];
  for (const [round, what] of ['the first', 'warmed up'].entries()) {
    const before = await cpuOf(taskglass);
    const began = performance.now();
    const first = round * tasks;
    await driver.run(
      `for first in range(${first}, ${first + tasks}, ${BATCH}):\n    client.run_on_scheduler(inject, first=first, count=${BATCH})`,
      600_000,
    );
    await until(
      'all of them',
      async () => (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= first + tasks,
      { within: 120_000, every: 250 },
    );
    const seconds = (performance.now() - began) / 1000;
    const after = await cpuOf(taskglass);
    const cpu = after.user + after.system - before.user - before.system;
    const resident = residentAtMost(taskglass.child.pid);
    rows.push([
      what,
      fixed(tasks / seconds / 1000, 1),
      fixed((cpu / tasks) * 1e6, 1),
      fixed(tasks / cpu / 1000, 0),
      fixed(resident / 1e6, 0),
    ]);
    data.push({ what, tasks, seconds, cpu, resident });
  }
  report({
    name: 'ingest',
    about: `${tasks} tasks each time, from the transition in a real scheduler to the store, recorded on the way. CPU is that of our process with all of its threads, sealing and queries of this bench included; its memory is that of a server which nobody told how much.`,
    head: [
      'tasks',
      'thousand/s as they came',
      'our CPU per task, µs',
      'thousand/s that a core would take',
      'resident at its highest, MB',
    ],
    rows,
    data,
  });
}

async function cpuOf(taskglass: Taskglass): Promise<Cpu> {
  const metrics = await (await fetch(taskglass.url('/metrics'))).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return { user: value('process_cpu_user_seconds_total'), system: value('process_cpu_system_seconds_total') };
}
