import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { Child } from '../support/child.ts';

const TASKS = 1_000_000;
const STREAM = '[role=region][aria-label="Task stream"]';
const AREA = '[role=region][aria-label="Area"]';

interface Hits {
  readonly total: number;
  readonly tasks: readonly {
    readonly record: number;
    readonly key: string;
    readonly name: string;
    readonly start: number;
  }[];
}

interface AreaAnswer {
  readonly functions: readonly { readonly name: string; readonly count: number }[];
}

/** Of all pixels of the plot that show something: the shares in full colour (in a light theme) and in black. */
async function inkOf(page: Page): Promise<{ readonly full: number; readonly black: number }> {
  return await page.locator(`${STREAM} canvas.plot`).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let [full, faded, black] = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const least = Math.min(data[i]!, data[i + 1]!, data[i + 2]!);
      const most = Math.max(data[i]!, data[i + 1]!, data[i + 2]!);
      if (most < 40) black++;
      else if (least < 190) full++;
      else if (most - least > 7) faded++;
    }
    const all = Math.max(1, full + black + faded);
    return { full: (full + black) / all, black: black / all };
  });
}

/** A million tasks in a server of its own: looked at, moved through, searched, cut out. */

/** Some tasks of some functions. */
const PATTERN = "^(\\(')?(shuffle|merge|sum).*[0-7]\\)?$";
describe('/tasks with 1,000,000 tasks', () => {
  let browser: Browser;
  let serving: Child;
  let origin: string;

  beforeAll(async () => {
    await build();
    serving = new Child(process.execPath, ['test/support/history-server.mjs', String(TASKS)]);
    browser = await launchBrowser();
    const [, address = ''] = await serving.printed(/tasks at (\S+)\/status/, 150_000);
    origin = address;
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await serving?.kill();
  });

  const api = async <T>(path: string): Promise<T> => (await (await fetch(`${origin}/api/v1/${path}`)).json()) as T;
  const drawn = async (page: Page): Promise<void> => {
    await page.locator(`${STREAM}[data-mode=shares], ${STREAM}[data-mode=slices]`).first().waitFor();
    await page.locator(`${STREAM} canvas.plot[data-drawn]`).waitFor();
  };
  const span = async (page: Page): Promise<readonly [number, number]> =>
    await page
      .locator(STREAM)
      .evaluate((panel: HTMLElement) => [Number(panel.dataset.since), Number(panel.dataset.until)]);
  const settled = async (page: Page): Promise<readonly [number, number]> => {
    let before = await span(page);
    for (;;) {
      await page.waitForTimeout(150);
      const now = await span(page);
      if (now[0] === before[0] && now[1] === before[1]) return now;
      before = now;
    }
  };

  test('is panned and zoomed', async () => {
    const { page, problems } = await openPage(browser, `${origin}/tasks`, { colorScheme: 'light' });
    await drawn(page);
    expect((await api<{ total: number }>('tasks?limit=1')).total).toBe(TASKS);
    await page.locator(`${STREAM} canvas.plot`).focus();
    await page.keyboard.press('f');
    await page.keyboard.press('f');
    const [since, until] = await settled(page);
    await keepPicture(page, 'history-1m-light');
    await page.keyboard.press('w');
    await page.keyboard.press('w');
    const [left, right] = await settled(page);
    expect(right - left).toBeLessThan(until - since);
    await page.keyboard.press('d');
    const [later] = await settled(page);
    expect(later).toBeGreaterThan(left);
    // Where one looks is in the address, and the same address shows the same.
    await expect.poll(() => new URL(page.url()).searchParams.get('since')).toBe(String(later / 1e6));
    await page.reload();
    await drawn(page);
    await expect.poll(async () => (await span(page))[0]).toBe(later);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('is searched', async () => {
    const { page, problems } = await openPage(browser, `${origin}/tasks`, { colorScheme: 'dark' });
    await drawn(page);
    const pattern = '00f.*(11|22)$';
    const hits = await api<Hits>(`search?q=${encodeURIComponent(pattern)}&regex=1&limit=3`);
    const last = await api<Hits>(`search?q=${encodeURIComponent(pattern)}&regex=1&limit=1&order=newest`);
    expect(hits.total).toBeGreaterThan(3);
    await page.keyboard.press('/');
    await page.getByRole('button', { name: 'Regular expression' }).click();
    await page.getByRole('searchbox', { name: 'Search all history' }).fill(pattern);
    await page.getByText(`${hits.total.toLocaleString('en')} hits`).waitFor();
    const key = page.locator('.details.pinned code.key');
    for (const [index, { key: wanted }] of hits.tasks.entries()) {
      await page.getByRole('searchbox', { name: 'Search all history' }).press('Enter');
      await page.getByText(`${index + 1} of ${hits.total.toLocaleString('en')}`).waitFor();
      await expect.poll(() => key.textContent()).toBe(wanted);
      const start = hits.tasks[index]!.start * 1e6;
      await expect.poll(async () => (await span(page))[0]).toBeLessThanOrEqual(start);
      expect((await settled(page))[1]).toBeGreaterThan(start);
    }
    await keepPicture(page, 'history-1m-dark');
    // Backwards past the first one is the last one; one step of the browser back is the hit before.
    for (const wanted of [hits.tasks[1], hits.tasks[0], last.tasks[0]]) {
      await page.getByRole('button', { name: 'Previous hit' }).click();
      await expect.poll(() => key.textContent()).toBe(wanted?.key);
    }
    await page.goBack();
    await expect.poll(() => key.textContent()).toBe(hits.tasks[0]?.key);
    expect(problems).toEqual([]);
    const box = page.getByRole('searchbox', { name: 'Search all history' });
    // Escape closes the details, then empties the box.
    await box.press('Escape');
    await key.waitFor({ state: 'detached' });
    expect(await box.inputValue()).toBe(pattern);
    await box.press('Escape');
    expect(await box.inputValue()).toBe('');
    await box.fill('(a+)+$(');
    await page.getByText(/not a regular expression/).waitFor();
    // Without a text one goes through what the filters leave; so does the key for errors.
    const erred = await api<Hits>('search?status=erred&limit=1');
    const [{ name: other } = { name: '' }] = (await api<Hits>('search?status=erred&limit=1&order=newest')).tasks;
    const ofOther = await api<Hits>(`search?status=erred&limit=2&name=${encodeURIComponent(other)}`);
    await page.goto(`${origin}/tasks?status=erred`);
    await drawn(page);
    await page.getByText(`${erred.total.toLocaleString('en')} hits`).waitFor();
    await page.getByRole('button', { name: 'Next hit' }).click();
    await expect.poll(() => key.textContent()).toBe(erred.tasks[0]?.key);
    await page.goto(`${origin}/tasks?fn=${encodeURIComponent(other)}`);
    await drawn(page);
    await page.locator(`${STREAM} canvas.plot`).focus();
    for (const { key: wanted } of ofOther.tasks) {
      await page.keyboard.press('e');
      await expect.poll(() => key.textContent()).toBe(wanted);
    }
    await page.context().close();
  });

  test('each chip narrows the picture by what the API says, and the address does again', async () => {
    // A few rows, high enough for their pixels to be counted.
    const rows = ['worker-9', 'worker-18', 'worker-22'].map((name) => `worker=${name}`).join('&');
    const { page, problems } = await openPage(browser, `${origin}/tasks?${rows}`, { colorScheme: 'light' });
    await drawn(page);
    await page.locator(`${STREAM} canvas.plot`).focus();
    await page.keyboard.press('f');
    const [since, until] = await settled(page);
    const range = `since=${since / 1e6}&until=${until / 1e6}&${rows}`;
    const busy = async (filter: string): Promise<number> => {
      const { totals } = await api<{ totals: Record<string, number> }>(`area?${range}${filter}`);
      return Object.values(totals).reduce((sum, seconds) => sum + seconds, 0);
    };
    const all = await busy('');
    await expect.poll(async () => (await inkOf(page)).full, { timeout: 20_000 }).toBeGreaterThan(0.95);
    const add = async (kind: string, value: string): Promise<void> => {
      await page.getByRole('button', { name: '+ Filter' }).click();
      await page.getByRole('combobox', { name: 'What to filter by' }).selectOption(kind);
      await page
        .getByRole('combobox', { name: 'Value' })
        .or(page.getByRole('textbox', { name: 'Value' }))
        .fill(value);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
    };
    for (const [kind, value, chip, filter] of [
      ['longer than', '1', 'longer than 1 s', '&min_duration=1'],
      ['status', 'erred', 'status erred', '&status=erred'],
      ['key contains', 'shuffle', 'key contains shuffle', '&text=shuffle'],
      ['key matches', PATTERN, `key matches ${PATTERN}`, `&text=${encodeURIComponent(PATTERN)}&regex=1`],
    ] as const) {
      await add(kind, value);
      const share = (await busy(filter)) / all;
      expect(share, chip).toBeGreaterThan(0);
      expect(share, chip).toBeLessThan(0.9);
      // Pixels of the picture: what shares one with something else, and errors, which are at least one high, make it inexact.
      const near = async (): Promise<number> => Math.abs((await inkOf(page)).full - share);
      await expect.poll(near, { message: chip, timeout: 20_000 }).toBeLessThan(0.03);
      if (kind === 'status') {
        const { black, full } = await inkOf(page);
        expect(black).toBeGreaterThan(full / 2);
      }
      if (kind === 'key matches') {
        await keepPicture(page, 'history-1m-pattern');
        const other = await openPage(browser, page.url(), {
          colorScheme: 'dark',
          viewport: { width: 390, height: 844 },
        });
        await drawn(other.page);
        await other.page.getByText(chip).waitFor();
        await keepPicture(other.page, 'history-1m-pattern-small-dark');
        expect(other.problems).toEqual([]);
        await other.page.context().close();
      }
      if (kind === 'key contains') {
        await keepPicture(page, 'history-1m-narrowed');
        const small = { viewport: { width: 390, height: 844 }, hasTouch: true };
        const other = await openPage(browser, page.url(), { colorScheme: 'light', ...small });
        await drawn(other.page);
        await other.page.getByText(chip).waitFor();
        const there = async (): Promise<number> => Math.abs((await inkOf(other.page)).full - share);
        await expect.poll(there, { timeout: 20_000 }).toBeLessThan(0.06);
        await keepPicture(other.page, 'history-1m-narrowed-small');
        expect(other.problems).toEqual([]);
        await other.page.context().close();
      }
      await page.getByRole('button', { name: `Remove the filter ${chip}` }).click();
      await expect.poll(async () => (await inkOf(page)).full, { timeout: 20_000 }).toBeGreaterThan(0.95);
    }
    // What is no pattern does not become a chip, and is told why; a search becomes one.
    await add('key matches', '(shuffle');
    await page.getByText(/not a regular expression/).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Regular expression' }).click();
    await page.getByRole('searchbox', { name: 'Search all history' }).fill(PATTERN);
    await page.getByRole('button', { name: 'Use as a filter of keys' }).click();
    await page.getByRole('button', { name: `Remove the filter key matches ${PATTERN}` }).waitFor();
    expect(await page.getByRole('searchbox', { name: 'Search all history' }).inputValue()).toBe('');
    expect(problems.filter((problem) => !problem.includes('400'))).toEqual([]);
    await page.context().close();
  });

  test('an area of it is cut out, and what it holds is what the API says', async () => {
    const { page, problems } = await openPage(browser, `${origin}/tasks`, { colorScheme: 'light' });
    await drawn(page);
    const box = await page.locator(`${STREAM} canvas.plot`).boundingBox();
    if (box === null) throw new Error('no plot');
    await page.keyboard.down('Shift');
    await page.mouse.move(box.x + box.width * 0.35, box.y + box.height * 0.25);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.4, { steps: 3 });
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5, { steps: 3 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    const first = page.locator(`${AREA} tbody tr`).first();
    await first.waitFor();
    const query = new URL(page.url()).searchParams;
    const [since = '', until = ''] = query.get('area')?.split('-') ?? [];
    const said = await api<AreaAnswer>(`area?since=${since}&until=${until}&tracks=${query.get('tracks')}`);
    expect(said.functions.length).toBeGreaterThan(1);
    const shown = await page
      .locator(`${AREA} tbody tr`)
      .evaluateAll((rows) => rows.map((row) => [(row as HTMLElement).dataset.name, row.children[1]?.textContent]));
    expect(shown).toEqual(said.functions.map(({ name, count }) => [name, count.toLocaleString('en')]));
    const byWorker = await api<{ workers: readonly { address: string }[] }>(
      `area?since=${since}&until=${until}&tracks=${query.get('tracks')}&by=worker`,
    );
    await page.getByRole('button', { name: 'By worker' }).click();
    const workers = page.locator(`${AREA} tbody tr[data-worker]`);
    await expect
      .poll(() => workers.evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.worker)))
      .toEqual(byWorker.workers.map(({ address }) => address));
    await keepPicture(page, 'history-1m-area-workers');
    await page.getByRole('button', { name: 'By function' }).click();
    await page.getByRole('button', { name: 'Count' }).click();
    const most = said.functions.reduce((a, b) => (b.count > a.count ? b : a));
    await expect.poll(() => first.getAttribute('data-name')).toBe(most.name);
    // Anywhere in its row.
    await first.locator('td').nth(3).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('mark')).toBe(most.name);
    await expect.poll(() => first.getByRole('button').getAttribute('aria-pressed')).toBe('true');
    await keepPicture(page, 'history-1m-area');
    // The address shows the same area to somebody else, on a small screen too.
    const small = { viewport: { width: 390, height: 844 }, hasTouch: true };
    const other = await openPage(browser, page.url(), { colorScheme: 'dark', ...small });
    await other.page.locator(`${AREA} tbody tr.chosen[data-name="${most.name}"]`).waitFor();
    await drawn(other.page);
    await other.page.locator(AREA).scrollIntoViewIfNeeded();
    await keepPicture(other.page, 'history-1m-small');
    await other.page.context().close();
    // Escape takes the highlight away, then the area.
    await page.keyboard.press('Escape');
    await expect.poll(() => first.getByRole('button').getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('Escape');
    await page.locator(AREA).waitFor({ state: 'detached' });
    await page.keyboard.press('x');
    await page.locator(`${AREA} tbody tr`).first().waitFor();
    expect([...problems, ...other.problems]).toEqual([]);
    await page.context().close();
  });
});
