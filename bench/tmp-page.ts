import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from '../src/wire/decode.ts';
import { launchBrowser, openPage } from '../test/support/browser.ts';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { ROOT } from '../test/support/project-files.ts';
import { Taskglass } from '../test/support/taskglass.ts';
export async function main(options: { workers: number; path: string }) {
  await using cluster = await DaskCluster.start({ workers: 0, dashboard: false });
  const driver = await cluster.client();
  const simulated = cluster.python([
    `${ROOT}/test/scale/simulated_workers.py`,
    cluster.address,
    String(options.workers),
    '8',
    '0.2',
    '0',
  ]);
  await simulated.printed(/^ready/m, 120_000);
  await using taskglass = await Taskglass.start([cluster.address]);
  await driver.run(readFileSync(`${ROOT}/test/soak/soak.py`, 'utf8'));
  let on = true;
  const seconds = (0.9 * options.workers * 8) / 1000;
  const done = (async () => {
    for (let i = 0; on; i++) {
      await driver.run(
        `client.run_on_scheduler(inject, first=${i * 100}, count=100, seconds=${seconds}, threads=8); None`,
      );
      await sleep(98);
    }
  })();
  await sleep(6000);
  const sizes = new Map<string, [number, number]>();
  const browser = await launchBrowser();
  const { page } = await openPage(browser, 'about:blank');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  cdp.on('Network.webSocketFrameReceived', ({ response }) => {
    if (response.opcode !== 2) return;
    const data = Buffer.from(response.payloadData, 'base64');
    const m: any = decode(new Uint8Array(data));
    if (m.kind === 'pong') return;
    const k = m.kind + (m.id ?? '') + (m.batch?.mode ?? '') + (m.batch?.reset ?? '');
    const s = sizes.get(k) ?? [0, 0];
    s[0]++;
    s[1] += data.length;
    sizes.set(k, s);
  });
  cdp.on('Network.webSocketFrameSent', ({ response }) => {
    const t = response.payloadData;
    if (t.includes('window')) {
      const m = JSON.parse(t);
      console.log(
        m.kind,
        m.id,
        m.query &&
          JSON.stringify({
            ...m.query,
            groups: m.query.groups?.length,
            tracks: m.query.tracks?.length,
            span: (m.query.until ?? Date.now() * 1000) - m.query.since,
          }),
      );
    }
  });
  await page.goto(taskglass.url(options.path));
  await sleep(4000);
  sizes.clear();
  await cdp.send('Profiler.enable');
  await cdp.send('Profiler.start');
  await sleep(8000);
  const { profile } = await cdp.send('Profiler.stop');
  writeFileSync('/tmp/cc/page.cpuprofile', JSON.stringify(profile));
  for (const [k, [n, b]] of sizes) console.log(k, n / 8, '/s', b / 8, 'B/s');
  await page.screenshot({ path: '/tmp/cc/ours.png' });
  await browser.close();
  on = false;
  await done;
}
