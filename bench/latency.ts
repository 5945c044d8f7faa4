import { launchBrowser, openPage } from '../test/support/browser.ts';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { until } from '../test/support/until.ts';
import { fixed, report } from './support/report.ts';
import { quantile } from './support/stats.ts';

export interface Options {
  readonly tasks: number;
}

interface TasksPage {
  readonly total: number;
  readonly tasks: readonly { readonly stop: number }[];
}

/** Submits one task at a time at random intervals; each must be waited for, so that the n-th to finish is the n-th sent. */
const WORKLOAD = `
import random
def probe(x):
    return x
def work(count):
    for i in range(count):
        client.submit(probe, i, pure=False).result()
        time.sleep(random.random() * 0.3)
`;

/** When a task finished, by its worker's account, to when the page's document says so, in a real browser. */
export async function main({ tasks }: Options): Promise<void> {
  await using cluster = await DaskCluster.start({ workers: 2, threads: 2 });
  await using taskglass = await Taskglass.start([cluster.address]);
  const driver = await cluster.client();
  const browser = await launchBrowser();
  try {
    const { page } = await openPage(browser, taskglass.url('/status'));
    await until('the page is connected', async () => (await page.locator('[data-link=connected]').count()) > 0);
    await page.evaluate(() => {
      /** Epoch seconds at which the document first counted 1, 2, 3, … tasks that are done. */
      const seen: number[] = [];
      Object.assign(globalThis, { seen });
      new MutationObserver(() => {
        const row = document.querySelector<HTMLElement>('[aria-label=Progress] [data-function=probe]');
        if (row === null) return;
        const done = Number(row.dataset.memory) + Number(row.dataset.released);
        while (seen.length < done) seen.push((performance.timeOrigin + performance.now()) / 1000);
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    await driver.run(WORKLOAD);
    await driver.run(`work(${tasks})`, 600_000);
    const seen = await until(
      'all tasks on the page',
      async () => {
        const times = await page.evaluate(() => (globalThis as unknown as { seen: number[] }).seen);
        return times.length >= tasks ? times : undefined;
      },
      { within: 10_000 },
    );
    const answer = await taskglass.api<TasksPage>(`tasks?name=probe&limit=${tasks}`);
    const stops = answer.tasks.map((task) => task.stop).sort((a, b) => a - b);
    const latencies = stops.map((stop, i) => ((seen[i] ?? Number.NaN) - stop) * 1000);
    const row = [0.5, 0.95, 1].map((p) => fixed(quantile(latencies, p), 0));
    report({
      name: 'latency',
      about:
        `From the moment that a task finished (its worker's clock, the same machine) to the moment that /status in a real browser ` +
        `counts it: ${stops.length} tasks on a real Dask cluster, one at a time at random intervals.`,
      head: ['', 'p50, ms', 'p95, ms', 'longest, ms'],
      rows: [['finished → on the page', ...row]],
      data: { latencies },
    });
  } finally {
    await browser.close();
  }
}
