import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import type { Child } from '../test/support/child.ts';
import { DaskCluster, type DaskDriver } from '../test/support/dask-cluster.ts';
import { ROOT } from '../test/support/project-files.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { cpuOf, cpuWithEnded } from './support/cpu.ts';
import { type Frames, openDrawn } from './support/page-probe.ts';
import { fixed, report } from './support/report.ts';
import { median } from './support/stats.ts';
import { Crowd, watchFolded } from './support/viewers.ts';

export interface Options {
  readonly passes: number;
  /** How long each page is looked at, seconds. */
  readonly seconds: number;
}

const TASKS_A_SECOND = 1_000;
const PARTS = 10;
const VIEWERS = 10;
const THREADS = 8;
const SIZES = [50, 1_000] as const;
/** A server that just began is still compiled by V8 while it runs. */
const WARM_UP_MS = 60_000;
/** So long its CPU is measured: in that time as many tasks finish as are sealed at once, which is a good part of its work. */
const SERVED_MS = 132_000;
const PAGES = ['ours', 'bokeh'] as const;
type PageName = (typeof PAGES)[number];

interface Figures extends Frames {
  readonly drawn: number;
  readonly bytesPerSecond: number;
  readonly heap: number;
  /** Share of a core. */
  readonly scheduler: number;
}

interface Cluster extends Record<PageName, Figures[]> {
  /** Of a core: our server's with all viewers. */
  readonly server: number;
}

/** /status while 1,000 tasks finish a second, on a small cluster and on one of 1,000 workers: ours and the Bokeh dashboard's by turns. */
export async function main(options: Options): Promise<void> {
  const clusters: Cluster[] = [];
  for (const size of SIZES) clusters.push(await busyCluster(size, options));
  publish(options, clusters);
}

async function busyCluster(workers: number, options: Options): Promise<Cluster> {
  await using cluster = await DaskCluster.start({ workers: 0, dashboard: true });
  const driver = await cluster.client();
  const simulated = cluster.python([
    path.join(ROOT, 'test/scale/simulated_workers.py'),
    cluster.address,
    ...[workers, THREADS, 0.2, 0].map(String),
  ]);
  await simulated.printed(/^ready/m, 120_000);
  await using taskglass = await Taskglass.start([
    cluster.address,
    '--record-dir',
    path.join(cluster.folder, 'recordings'),
  ]);
  await using _crowd = await Crowd.open(VIEWERS - 1, () => watchFolded(taskglass.origin, workers, THREADS));
  await using _load = new Load(driver, workers);
  await sleep(WARM_UP_MS);
  const server = await served(taskglass);
  console.log(`${workers} workers: our server with ${VIEWERS} viewers: ${fixed(server * 100, 2)} % of a core`);
  const urls = { ours: taskglass.url('/status'), bokeh: `http://127.0.0.1:${cluster.dashboardPort}/status` };
  const figures: Cluster = { ours: [], bokeh: [], server };
  for (let pass = 1; pass <= options.passes; pass++) {
    for (const name of PAGES) {
      const browser = await launchBrowser();
      try {
        const of = await look(browser, urls[name], options.seconds, cluster.scheduler);
        figures[name].push(of);
        console.log(`${workers} workers, pass ${pass}: ${name}: ${JSON.stringify(of)}`);
      } finally {
        await browser.close();
      }
      // A session of Bokeh's goes on for half a minute after its viewer left.
      await sleep(name === 'bokeh' && pass < options.passes ? 35_000 : 1_000);
    }
  }
  return figures;
}

/** The share of a core that our server takes while one more looks at it: in a browser. */
async function served(taskglass: Taskglass): Promise<number> {
  const browser = await launchBrowser();
  try {
    await using _opened = await openDrawn(browser, taskglass.url('/status'));
    await sleep(10_000);
    const [before, since] = [cpuWithEnded(taskglass.child), performance.now()];
    await sleep(SERVED_MS);
    return (cpuWithEnded(taskglass.child) - before) / ((performance.now() - since) / 1_000);
  } finally {
    await browser.close();
  }
}

async function look(browser: Browser, url: string, seconds: number, scheduler: Child): Promise<Figures> {
  await using opened = await openDrawn(browser, url);
  await sleep(3_000);
  const bytes = opened.bytes.socket;
  const [before, since] = [cpuOf(scheduler), performance.now()];
  const frames = await opened.frames(() => sleep(seconds * 1_000));
  const span = (performance.now() - since) / 1_000;
  return {
    ...frames,
    drawn: opened.drawn,
    bytesPerSecond: (opened.bytes.socket - bytes) / span,
    heap: await opened.heap(),
    scheduler: (cpuOf(scheduler) - before) / span,
  };
}

/** So many tasks a second finish in a scheduler, as far as it can tell; until it is disposed of. */
class Load implements AsyncDisposable {
  readonly #driver: DaskDriver;
  readonly #done: Promise<void>;
  #on = true;

  /** Tasks last as long as it takes to keep all threads of so many workers busy. */
  constructor(driver: DaskDriver, workers: number) {
    this.#driver = driver;
    this.#done = this.#run((0.9 * workers * THREADS) / TASKS_A_SECOND);
  }

  async #run(seconds: number): Promise<void> {
    await this.#driver.run(readFileSync(path.join(ROOT, 'test/soak/soak.py'), 'utf8'));
    const began = performance.now();
    const count = TASKS_A_SECOND / PARTS;
    for (let part = 0; this.#on; part++) {
      await this.#driver.run(
        `client.run_on_scheduler(inject, first=${part * count}, count=${count}, seconds=${seconds}, threads=${THREADS}); None`,
      );
      await sleep(Math.max(0, began + ((part + 1) * 1_000) / PARTS - performance.now()));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#on = false;
    await this.#done;
  }
}

function publish(options: Options, clusters: readonly Cluster[]): void {
  const columns = clusters.flatMap(({ ours, bokeh }) => [ours, bokeh]);
  const row = (title: string, digits: number, of: (figures: Figures) => number): string[] => [
    title,
    ...columns.map((figures) => fixed(median(figures.map(of)), digits)),
  ];
  report({
    name: 'status',
    about:
      `/status in headless Chromium without a GPU, looked at for ${options.seconds} s while ${TASKS_A_SECOND} tasks finish a second in a real scheduler ` +
      `(told so: its workers of ${THREADS} threads only pretend to work); ours and the Bokeh dashboard's by turns, median of ${options.passes}. ` +
      `${VIEWERS - 1} more watch ours all the time. The scheduler's CPU has the load's own in it. Our server's is that of ${SERVED_MS / 1_000} s with ` +
      `${VIEWERS} viewers, one of them a browser; in that time it seals as many tasks as come.`,
    head: ['/status, 1,000 tasks/s', ...SIZES.flatMap((size) => [`Taskglass, ${size} workers`, `Bokeh, ${size}`])],
    rows: [
      row('navigation → drawn, s', 2, (f) => f.drawn / 1000),
      row('main thread busy, %', 0, (f) => f.busy * 100),
      row('frames/s', 0, (f) => f.framesPerSecond),
      row('frame interval p95, ms', 0, (f) => f.frameP95),
      row('kB/s over the WebSocket', 0, (f) => f.bytesPerSecond / 1000),
      row('heap of the page, MB', 0, (f) => f.heap / 1e6),
      row("the scheduler's CPU, % of a core", 0, (f) => f.scheduler * 100),
      [
        `our server's with ${VIEWERS} viewers, % of a core`,
        ...clusters.flatMap(({ server }) => [fixed(server * 100, 1), '–']),
      ],
    ],
    data: { options, clusters },
  });
}
