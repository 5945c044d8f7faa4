import { expect, test } from 'vitest';
import { launchBrowser, openPage } from '../support/browser.ts';
import { DaskCluster } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';

/** Whoever submits tasks chooses names, keys and errors, and must not get hold of the browser of whoever watches. */
const MARKUP = '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script>';
const TEMPLATE = '{{constructor.constructor("globalThis.owned=1")()}}';

test('names, keys, workers and errors of a real computation are text on every page', async () => {
  await using cluster = await DaskCluster.start({ workers: 1, threads: 2 });
  await cluster.startWorker(MARKUP);
  await using taskglass = await Taskglass.start([cluster.address]);
  const client = await cluster.client();
  await client.run(`
markup, template = ${JSON.stringify(MARKUP)}, ${JSON.stringify(TEMPLATE)}
def fail(text):
    time.sleep(0.3)
    raise ValueError(text)
named = [client.submit(inc, i, key=f"{markup}-{i}") for i in range(30)]
tupled = client.submit(inc, 1, key=(template, 0))
failed = client.submit(fail, markup, key=f"fail{markup}")
wait(named + [tupled, failed])
`);
  const { functions } = await taskglass.api<{ functions: { name: string }[] }>('progress');
  expect(functions.some(({ name }) => name.includes('<img'))).toBe(true);

  const browser = await launchBrowser();
  try {
    for (const path of ['/status', '/tasks', '/workers']) {
      const { page, problems } = await openPage(browser, taskglass.url(path));
      await page.locator('[data-link=connected]').waitFor();
      for (const button of await page.getByRole('button', { name: /as table$/ }).all()) await button.click();
      // Every tooltip that a mouse can find on the way over each panel.
      for (const region of await page.getByRole('region').all()) {
        const box = await region.boundingBox();
        if (box === null) continue;
        for (const [x, y] of [
          [0.3, 0.4],
          [0.5, 0.5],
          [0.7, 0.6],
          [0.9, 0.3],
        ] as const) {
          await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
        }
      }
      await expect.poll(() => page.locator('body').textContent(), { timeout: 10_000 }).toContain('<img src=x');
      expect(await page.evaluate(() => 'owned' in globalThis), path).toBe(false);
      expect(await page.locator('img[src=x]').count(), path).toBe(0);
      expect(problems, path).toEqual([]);
      await page.context().close();
    }
    const answer = await fetch(taskglass.url('/api/v1/tasks'));
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const policy = (await fetch(taskglass.url('/status'))).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe/);
  } finally {
    await browser.close();
  }
});
