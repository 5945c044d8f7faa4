import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from '../scripts/lib/build.mjs';
import { DEBUG_SERVICE } from '../src/model/debug.ts';
import { launchBrowser, openPage } from '../test/support/browser.ts';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { ROOT } from '../test/support/project-files.ts';
import { cpuOf } from './support/cpu.ts';
import { fixed, report } from './support/report.ts';

export interface Options {
  /** How long each reading takes, seconds. */
  readonly seconds: number;
}

/** CPU of one process, percent of a core. */
interface Reading {
  readonly scheduler: number;
  readonly worker: number;
}

/**
 * What the debug servers cost the processes that they run in: idle clusters with and without them, at the same time; then with one
 * debug page open in a browser. Node is kept away (`taskglass.node`), so that nothing else of ours watches.
 */
export async function main({ seconds }: Options): Promise<void> {
  await build();
  await using plain = await DaskCluster.start({ workers: 1 });
  await using served = await DaskCluster.start({
    workers: 1,
    config: {
      'distributed.scheduler.preload': 'taskglass',
      'distributed.worker.preload': 'taskglass',
      'taskglass.node': '/nowhere/node',
      'taskglass.scheduler-debug-port': '0',
      'taskglass.worker-debug-port': '0',
    },
    environment: { PYTHONPATH: path.join(ROOT, 'agent/src') },
  });
  const ports = await portsOf(served);
  const both = { plain, served };
  const idle = await readAll(both, seconds);
  const browser = await launchBrowser();
  const opened: Reading[] = [];
  const claimed: string[] = [];
  try {
    for (const port of [ports.scheduler, ports.worker]) {
      const { page } = await openPage(browser, `http://127.0.0.1:${port}/debug`);
      await page.locator('[role=region]').first().waitFor();
      await sleep(5_000);
      const { served: with1, plain: without } = await readAll(both, seconds / 2);
      opened.push({ scheduler: with1.scheduler - without.scheduler, worker: with1.worker - without.worker });
      claimed.push((await page.locator('[data-total=cost]').textContent()) ?? '');
      await page.context().close();
    }
  } finally {
    await browser.close();
  }
  const percent = (value: number, digits = 3): string => `${fixed(value, digits)} %`;
  const row = (role: keyof Reading, at: number): string[] => [
    `the ${role}'s process`,
    percent(idle.plain[role]),
    percent(idle.served[role]),
    percent(idle.served[role] - idle.plain[role]),
    percent(opened[at]?.[role] ?? Number.NaN, 1),
    claimed[at] ?? '',
  ];
  report({
    name: 'debug-servers',
    about:
      `CPU of the processes of two idle Dask clusters at the same time, percent of a core over ${seconds} s: one plain, one with the ` +
      'debug servers of the preload; then with one debug page open, beside what that page itself says.',
    head: ['idle', 'plain', 'with a debug server', 'difference', 'one page open', 'as the page says'],
    rows: [row('scheduler', 0), row('worker', 1)],
    data: { seconds, idle, opened, claimed },
  });
}

async function readAll(clusters: Record<'plain' | 'served', DaskCluster>, seconds: number) {
  const now = () => ({
    plain: { scheduler: cpuOf(clusters.plain.scheduler), worker: cpuOf(clusters.plain.workers[0]!) },
    served: { scheduler: cpuOf(clusters.served.scheduler), worker: cpuOf(clusters.served.workers[0]!) },
    at: performance.now() / 1000,
  });
  const before = now();
  await sleep(seconds * 1000);
  const after = now();
  const share = (name: 'plain' | 'served', role: keyof Reading): number =>
    ((after[name][role] - before[name][role]) / (after.at - before.at)) * 100;
  const reading = (name: 'plain' | 'served'): Reading => ({
    scheduler: share(name, 'scheduler'),
    worker: share(name, 'worker'),
  });
  return { plain: reading('plain'), served: reading('served') };
}

async function portsOf(cluster: DaskCluster): Promise<Record<keyof Reading, number>> {
  await using driver = await cluster.client();
  const [scheduler, worker] = await driver.run<[number, number]>(
    `info = client.scheduler_info()
[info["services"]["${DEBUG_SERVICE}"], next(iter(info["workers"].values()))["services"]["${DEBUG_SERVICE}"]]`,
  );
  return { scheduler, worker };
}
