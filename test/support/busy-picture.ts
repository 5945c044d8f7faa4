import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser, openPage } from './browser.ts';
import { DaskCluster } from './dask-cluster.ts';
import { Taskglass } from './taskglass.ts';

/** Something like a day's work in ten seconds: two inputs are loaded, cleaned, joined, summed up; one part is bad. */
const COMPUTATION = `
import random
def load(part):
    time.sleep(0.05 + random.random() / 5)
    return b"x" * (12_000_000 + part * 10_000)
def clean(data):
    time.sleep(0.02 + random.random() / 8)
    return data[: len(data) // 2]
def join(left, right):
    time.sleep(0.05 + random.random() / 6)
    return left + right
def features(data):
    time.sleep(0.1 + random.random() / 4)
    return data[:20_000]
def validate(data, part):
    time.sleep(0.03 + random.random() / 12)
    if part == 57:
        raise ValueError("part 57: negative amounts")
    return True
def total(parts):
    return sum(len(part) for part in parts)
orders = client.map(load, range(120), key="load-orders")
clients = client.map(load, range(120, 240), key="load-clients")
cleaned = client.map(clean, orders)
joined = client.map(join, cleaned, [clients[part * 7 % 120] for part in range(120)])
checks = client.map(validate, joined, range(120))
featured = client.map(features, joined)
model = client.submit(total, featured)
del orders, clients, cleaned, joined
`;

/** The busy page at 1440 × 900, twice as fine. */
export async function takePicture(file: string): Promise<void> {
  await using cluster = await DaskCluster.start({ workers: 4, threads: 2 });
  await using taskglass = await Taskglass.start([cluster.address]);
  const client = await cluster.client();
  const browser = await launchBrowser();
  try {
    const { page } = await openPage(browser, taskglass.url('/status'), { deviceScaleFactor: 2, colorScheme: 'light' });
    await page.locator('[data-link=connected]').waitFor();
    await client.run(COMPUTATION);
    // Until some of everything is there: about two thirds of the way.
    await page.waitForFunction(
      () => {
        const row = document.querySelector<HTMLElement>('[aria-label=Progress] [data-function=features]');
        return row !== null && Number(row.dataset.memory) > 70;
      },
      undefined,
      { timeout: 120_000 },
    );
    await sleep(500);
    mkdirSync(path.dirname(file), { recursive: true });
    await page.screenshot({ path: file });
  } finally {
    await browser.close();
  }
}
