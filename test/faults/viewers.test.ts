import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Replica } from '../../src/store/replica.ts';
import { decode } from '../../src/wire/decode.ts';
import { WIRE_VERSION } from '../../src/wire/message.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';
import { FlakyLink } from './flaky-link.ts';

/** After it was taken for gone. Only `npm test -- --slow` has the time that a laptop is closed for. */
const STAYS_ASLEEP_MS = process.env.TASKGLASS_SLOW === '1' ? 600_000 : 1_000;
/** As long as a stopped browser needs to be taken for gone: it answers no ping. */
const SUSPENDED_MS = 40_000;
const CROWD = 200;

/** Those who watch are slow, gone or many: it costs the others nothing, and all end with the truth. */
describe('viewers in trouble', () => {
  let cluster: DaskCluster;
  let driver: DaskDriver;
  let taskglass: Taskglass;
  let browser: Browser;
  let count = 0;

  beforeAll(async () => {
    [cluster, browser] = await Promise.all([DaskCluster.start({ workers: 1, threads: 2 }), launchBrowser()]);
    [driver, taskglass] = await Promise.all([cluster.client(), Taskglass.start([cluster.address])]);
    await driver.run('def work(x):\n    return x\nheld = []');
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const compute = async (more: number): Promise<void> => {
    await driver.run(`held.append(client.map(work, range(${more}), pure=False)); wait(held[-1]); None`);
    count += more;
  };
  const shown = async (page: Page): Promise<number> =>
    Number((await page.locator('[data-total=records]').textContent())?.replaceAll(/\D/g, ''));
  const shows = (page: Page, within = 20_000): Promise<unknown> =>
    until(`the page shows ${count}`, async () => (await shown(page)) === count, { within });
  const memory = async (): Promise<number> => {
    const metrics = await (await fetch(taskglass.url('/metrics'))).text();
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  };

  test('200 viewers and two browsers at once: all of them end with the same, true counts', async () => {
    const [{ page: first }, { page: second }] = await Promise.all([
      openPage(browser, taskglass.url('/status')),
      openPage(browser, taskglass.url('/tasks')),
    ]);
    const origin = taskglass.origin;
    const crowd = await Promise.all(
      Array.from({ length: CROWD }, async () => {
        const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { origin });
        const replica = new Replica(() => performance.now());
        socket.on('message', (data: Buffer) => replica.apply(decode(data)));
        await once(socket, 'open');
        socket.send(JSON.stringify({ kind: 'hello', version: WIRE_VERSION }));
        return { socket, replica };
      }),
    );
    await compute(3_000);
    await until('all of them know it', () => crowd.every(({ replica }) => replica.totals?.records === count));
    await Promise.all([shows(first), shows(second)]);
    for (const { socket } of crowd) expect(socket.readyState).toBe(WebSocket.OPEN);
    for (const { socket } of crowd) socket.close();
    await Promise.all([first.context().close(), second.context().close()]);
  });

  test('a browser that reads 10 kB/s is behind, then right again; another one notices nothing', async () => {
    await using link = await FlakyLink.to(Number(new URL(taskglass.origin).port));
    const { page: slow, problems } = await openPage(browser, `http://127.0.0.1:${link.port}/tasks`);
    const { page: quick } = await openPage(browser, taskglass.url('/status'));
    await shows(slow);
    link.weather.piece = 1_000;
    link.weather.rate = 10_000;
    const before = await memory();
    for (let i = 0; i < 3; i++) {
      await compute(1_500);
      await shows(quick, 5_000);
    }
    // Half a megabyte of stream or more was made meanwhile: what is not read does not pile up in the server.
    expect((await memory()) - before).toBeLessThan(100e6);
    await shows(slow, 60_000);
    link.weather.rate = 0;
    await compute(10);
    await shows(slow);
    expect(problems).toEqual([]);
    await Promise.all([slow.context().close(), quick.context().close()]);
  });

  test(
    'a browser that is suspended is let go, and when it wakes it is right without a reload',
    async () => {
      await using mine = await launchBrowserToStop();
      const { page } = await openPage(mine.browser, taskglass.url('/tasks'));
      await shows(page);
      await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
      const viewers = async (): Promise<number> => {
        const metrics = await (await fetch(taskglass.url('/metrics'))).text();
        return Number(/^taskglass_viewers (\S+)$/m.exec(metrics)?.[1]);
      };
      expect(await viewers()).toBe(1);
      mine.signal('SIGSTOP');
      try {
        await compute(1_000);
        await until('it is taken for gone', async () => (await viewers()) === 0, { within: 2 * SUSPENDED_MS });
        await compute(1_000);
        await pause(STAYS_ASLEEP_MS);
      } finally {
        mine.signal('SIGCONT');
      }
      await shows(page, 30_000);
      expect(await page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
    },
    STAYS_ASLEEP_MS + 240_000,
  );
});

/** A browser all of whose processes can be stopped, as when a laptop is closed. */
async function launchBrowserToStop(): Promise<
  AsyncDisposable & { readonly browser: Browser; signal(signal: NodeJS.Signals): void }
> {
  const browser = await launchBrowser();
  const pids = async (): Promise<number[]> => {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    return processInfo.map(({ id }) => id);
  };
  // The page's own process comes with it: asked for again at each signal would need an answer of a stopped browser.
  const page = await browser.newPage();
  let stopped = await pids();
  await page.close();
  const refresh = setInterval(
    () =>
      void pids().then(
        (now) => (stopped = now),
        () => {},
      ),
    500,
  );
  return {
    browser,
    signal: (signal) => {
      if (signal === 'SIGSTOP') clearInterval(refresh);
      for (const pid of stopped) {
        try {
          process.kill(pid, signal);
        } catch {
          // One that has ended meanwhile.
        }
      }
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(refresh);
      await browser.close();
    },
  };
}
