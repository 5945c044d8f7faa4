import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser } from '../test/support/browser.ts';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { until } from '../test/support/until.ts';
import { type PageFigures, probe } from './support/page-probe.ts';
import { fixed, report } from './support/report.ts';
import { median } from './support/stats.ts';
import { watchBokeh } from './support/viewers.ts';

export interface Options {
  readonly tasks: number;
  readonly passes: number;
}

type Figures = PageFigures & { readonly schedulerCpu: number };

/** Bursts, because a scheduler that holds 100,000 tasks at once is another bench. */
const WORKLOAD = `
def work(count):
    for first in range(0, count, 2000):
        futures = client.map(lambda x: x, range(first, min(first + 2000, count)), pure=False)
        wait(futures)
        del futures
`;

/** /tasks with a long history: ours and the Bokeh dashboard's, of the same tasks, in the same browser, by turns. */
export async function main({ tasks, passes }: Options): Promise<void> {
  await using cluster = await DaskCluster.start({
    workers: 2,
    threads: 4,
    dashboard: true,
    config: { 'distributed.scheduler.worker-saturation': 'inf' },
  });
  // The dashboard keeps tasks from its first viewer on.
  await (await watchBokeh(cluster.dashboardPort, 'tasks'))[Symbol.asyncDispose]();
  await using taskglass = await Taskglass.start([cluster.address]);
  const driver = await cluster.client();
  await driver.run(WORKLOAD);
  const started = performance.now();
  await driver.run(`work(${tasks})`, 900_000);
  console.log(`${tasks} tasks ran in ${fixed((performance.now() - started) / 1000, 0)} s`);
  await until('all tasks in the store', async () => {
    return (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= tasks;
  });
  await sleep(10_000);
  const pages = {
    ours: taskglass.url('/tasks'),
    bokeh: `http://127.0.0.1:${cluster.dashboardPort}/tasks`,
  };
  const figures: Record<keyof typeof pages, Figures[]> = { ours: [], bokeh: [] };
  for (let pass = 1; pass <= passes; pass++) {
    for (const name of ['ours', 'bokeh'] as const) {
      const browser = await launchBrowser();
      try {
        const schedulerCpu = (): Promise<number> => driver.run<number>('client.run_on_scheduler(time.process_time)');
        const before = await schedulerCpu();
        const of = await probe(browser, pages[name]);
        figures[name].push({ ...of, schedulerCpu: (await schedulerCpu()) - before });
        console.log(`pass ${pass}: ${name}: ${JSON.stringify(figures[name].at(-1))}`);
      } finally {
        await browser.close();
      }
      await sleep(5_000);
    }
  }
  publish({ tasks, passes }, figures);
}

function publish(options: Options, figures: Record<'ours' | 'bokeh', Figures[]>): void {
  const row = (title: string, digits: number, of: (figures: Figures) => number): string[] => [
    title,
    ...(['ours', 'bokeh'] as const).map((name) => fixed(median(figures[name].map(of)), digits)),
  ];
  report({
    name: 'tasks-100k',
    about:
      `/tasks with ${options.tasks} tasks of a real Dask cluster (8 threads) in its history, in headless Chromium without a GPU: ours and the ` +
      `Bokeh dashboard's by turns in one run, median of ${options.passes}. Opening includes dragging for four seconds.`,
    head: ['/tasks', 'Taskglass', 'Bokeh'],
    rows: [
      row('navigation → drawn, s', 2, (f) => f.drawn / 1000),
      row('bytes over HTTP, MB', 2, (f) => f.httpBytes / 1e6),
      row('bytes over the WebSocket, MB', 2, (f) => f.socketBytes / 1e6),
      row('dragging: frames/s', 0, (f) => f.framesPerSecond),
      row('dragging: main thread per frame, ms', 1, (f) => f.busyPerFrame),
      row('dragging: frame interval p95, ms', 0, (f) => f.frameP95),
      row('heap of the page, MB', 0, (f) => f.heap / 1e6),
      row('scheduler CPU to open it, s', 2, (f) => f.schedulerCpu),
    ],
    data: { options, figures },
  });
}
