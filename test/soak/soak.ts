import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Crowd, watchOurs } from '../../bench/support/viewers.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import type { Child } from '../support/child.ts';
import { DaskCluster } from '../support/dask-cluster.ts';
import { LiveMemory } from '../support/live-memory.ts';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Share of the time that is left out of the slopes. */
  readonly warmUp?: number;
  readonly say?: (line: string) => void;
}

/** Bytes, at one moment. */
export interface SoakSample {
  /** Since the start, seconds. */
  readonly time: number;
  /** What the server holds after a collection, buffers among it. */
  readonly server: number;
  /** What the server's process takes of the machine, with what it has not collected or given back yet. */
  readonly resident: number;
  /** What our agent holds inside the scheduler. */
  readonly agent: number;
  /** The page's heap after a collection. */
  readonly page: number;
}

export interface SoakResult {
  /** As the scheduler's own plugins were told. */
  readonly finished: number;
  readonly stored: number;
  /** In gaps; NaN when their size is not known. */
  readonly missed: number;
  readonly problems: readonly string[];
  readonly samples: readonly SoakSample[];
  /** Of each part: the upper end of the 95 % interval of its slope after the warm-up, bytes a day. */
  readonly slopes: Readonly<Record<'server' | 'agent' | 'page', number>>;
}

const VIEWERS = 10;
const STEADY_WORKERS = 50;
const THREADS = 4;
const TASKS_A_SECOND = 1_000;
/** Real ones among them. */
const REAL_A_SECOND = 100;
const WORKERS_COME_AND_GO_S = 20;
/** Reached within the first minutes, so that what comes later shows what piles up. */
const MEMORY = '32MB';

/**
 * A real scheduler with simulated workers, of which some come and go; 1,000 tasks finish a second, some of them for real, the others
 * by injected transitions; ten viewers and a browser watch.
 */
export async function soak({ minutes, warmUp = 0.3, say = () => {} }: SoakOptions): Promise<SoakResult> {
  await using cluster = await DaskCluster.start({ workers: 0 });
  await using taskglass = await Taskglass.start([cluster.address, '--memory', MEMORY], undefined, [
    '--inspect=127.0.0.1:0',
  ]);
  await using held = await LiveMemory.of(taskglass.child.output);
  const driver = await cluster.client();
  const more = (count: number, name: string): Child =>
    cluster.python([
      path.join(ROOT, 'test/scale/simulated_workers.py'),
      cluster.address,
      String(count),
      String(THREADS),
      '0.2',
      '0',
      name,
    ]);
  const steady = more(STEADY_WORKERS, 'steady');
  let passing: Child | null = null;
  const browser = await launchBrowser();
  try {
    await steady.printed(/^ready/m);
    await driver.run(readFileSync(path.join(ROOT, 'test/soak/soak.py'), 'utf8'));
    await driver.run('def work(x):\n    return x\nclient.run_on_scheduler(install); None');
    const { page, problems } = await openPage(browser, taskglass.url('/status'));
    const session = await page.context().newCDPSession(page);
    await using _crowd = await Crowd.open(VIEWERS, () => watchOurs(taskglass.origin, Date.now() / 1000));
    const measure = async (time: number): Promise<SoakSample> => {
      const metrics = await (await fetch(taskglass.url('/metrics'))).text();
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      const agent = await driver.run<number>('client.run_on_scheduler(size_of_agents)');
      return {
        time,
        server: await held.bytes(),
        resident: Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]),
        agent,
        page: usedSize,
      };
    };
    const samples: SoakSample[] = [];
    const began = performance.now();
    const seconds = (): number => (performance.now() - began) / 1000;
    const interval = Math.max(2, (minutes * 60) / 200);
    let injected = 0;
    let changed = 0;
    while (seconds() < minutes * 60) {
      const turn = seconds();
      await driver.run(`futures = client.map(work, range(${REAL_A_SECOND}), pure=False)`);
      for (let part = 0; part < 9; part++) {
        const count = (TASKS_A_SECOND - REAL_A_SECOND) / 9;
        await driver.run(`client.run_on_scheduler(inject, first=${injected}, count=${count}); None`);
        injected += count;
      }
      if (seconds() - changed > WORKERS_COME_AND_GO_S) {
        changed = seconds();
        await passing?.kill();
        passing = passing === null ? more(10, `passing-${Math.round(changed)}`) : null;
      }
      if (samples.length === 0 || seconds() - (samples.at(-1)?.time ?? 0) > interval) {
        samples.push(await measure(seconds()));
        const { time, server, resident, agent, page: heap } = samples.at(-1)!;
        say(
          `${time.toFixed(0)} s: server ${mb(server)} of ${mb(resident)}, agent ${mb(agent)}, page ${mb(heap)}, ${injected} injected`,
        );
      }
      await pause(Math.max(0, 1_000 * (turn + 1 - seconds())));
    }
    await passing?.kill();
    await driver.run('wait(futures, timeout=60); None');
    const count = await until('the count stands still', async () => {
      const before = await driver.run<number>('client.run_on_scheduler(finished)');
      await pause(1_000);
      return before === (await driver.run<number>('client.run_on_scheduler(finished)')) ? before : 0;
    });
    const ends = async () => {
      const [memory, erred, { gaps }] = await Promise.all([
        taskglass.api<{ total: number }>('tasks?status=memory&limit=1'),
        taskglass.api<{ total: number }>('tasks?status=erred&limit=1'),
        taskglass.api<{ gaps: { size: number | null }[] }>('runs'),
      ]);
      const missed = gaps.reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
      return { stored: memory.total + erred.total, missed };
    };
    await until('all of it is stored', async () => {
      const { stored, missed } = await ends();
      return stored + missed === count;
    }).catch(() => {});
    const kept = samples.filter(({ time }) => time > warmUp * minutes * 60);
    const slope = (part: 'server' | 'agent' | 'page'): number =>
      86_400 * upperSlope(kept.map((sample) => [sample.time, sample[part]]));
    return {
      finished: count,
      ...(await ends()),
      problems,
      samples,
      slopes: { server: slope('server'), agent: slope('agent'), page: slope('page') },
    };
  } finally {
    await browser.close();
    await passing?.kill();
    await steady.kill();
  }
}

/**
 * The upper end of the 95 % interval of the slope through points [x, y]: of the median of the slopes between any two (Theil and Sen, with
 * Kendall's interval), which moments of sealing, when twice as much is held, do not bend.
 */
export function upperSlope(points: readonly (readonly [number, number])[]): number {
  const n = points.length;
  const slopes = points
    .flatMap(([x, y], i) => points.slice(i + 1).map(([nextX, nextY]) => (nextY - y) / (nextX - x)))
    .sort((a, b) => a - b);
  const half = (1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / 2;
  return slopes[Math.min(slopes.length - 1, Math.ceil(slopes.length / 2 + half))] ?? Number.NaN;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
