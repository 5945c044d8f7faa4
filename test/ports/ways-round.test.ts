import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { Child } from '../support/child.ts';
import { adapted, documented } from '../support/documented.ts';
import { freePort } from '../support/ports.ts';
import { Services } from '../support/services.ts';
import { Taskglass } from '../support/taskglass.ts';

const DOC = 'docs/troubleshooting.md';
/** The name in the document; the browser finds this machine behind it. */
const NAME = 'dask.example.org';
const TOKEN = 'jupyter-secret';

/** The ways round closed ports and through proxies, as docs/troubleshooting.md says them: real servers, a real browser. */
describe('ways to the page', () => {
  let browser: Browser;
  let services: Services;
  let taskglass: Taskglass;
  let own: string;

  beforeAll(async () => {
    services = new Services();
    const [command = ''] = documented(DOC, 'behind-a-proxy', 'sh');
    const options = words(adapted(command, { 'taskglass tcp://127.0.0.1:8786': 'demo' }));
    [browser, taskglass] = await Promise.all([
      launchBrowser([NAME, 'other.example.org']),
      Taskglass.start([...options, '--workers', '1', '--threads-per-worker', '1']),
    ]);
    own = new URL(taskglass.origin).port;
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await services?.[Symbol.asyncDispose]();
  });

  /** Opens the page there and follows it until the example's tasks are on it, which come over the WebSocket alone. */
  async function works(url: string): Promise<void> {
    const { page, problems } = await openPage(browser, url);
    await page.locator('[data-server=open][data-link=connected]').waitFor();
    await expect.poll(() => page.locator('[data-total=records]').textContent(), { timeout: 30_000 }).toBe('301');
    // Every page lies below the same path, and so does what they are made of.
    await page.getByRole('link', { name: 'Workers' }).click();
    await expect.poll(() => page.locator('tr.worker').count()).toBe(1);
    expect(page.url()).toBe(url.replace(/status.*$/, 'workers'));
    await page.reload();
    await expect.poll(() => page.locator('tr.worker').count()).toBe(1);
    expect(problems).toEqual([]);
    await page.context().close();
  }

  test('another port', async () => {
    const port = String(await freePort());
    const [command = ''] = documented(DOC, 'another-port', 'sh');
    const args = words(adapted(command, { 'taskglass tcp://127.0.0.1:8786': 'demo --workers 1', '8000': port }));
    const child = new Child(process.execPath, ['dist/cli.js', ...args, '--no-browser']);
    await using other = await Taskglass.serving(child);
    expect(other.origin).toBe(`http://127.0.0.1:${port}`);
    await works(other.url('/status'));
  });

  test('a port forwarded over SSH, under another Host and port', async () => {
    const port = await freePort();
    const { options, destination } = await services.sshd();
    const [command = ''] = documented(DOC, 'forwarding-a-port-over-ssh', 'sh');
    const changes = { '8000': String(port), '8787': own, 'user@remote': destination };
    const [ssh, ...args] = words(adapted(command, changes));
    expect(ssh).toBe('ssh');
    await services.ssh([...options, ...args], port);
    await works(`http://localhost:${port}/status`);
  });

  test('nginx with a path in front, under a name that was allowed and no other', async () => {
    const port = await freePort();
    const [site = ''] = documented(DOC, 'nginx', 'nginx');
    await services.nginx(adapted(site, { 'listen 80;': `listen 127.0.0.1:${port};`, '8787': own }), port);
    await works(`http://${NAME}:${port}/dask/status`);
    const { page } = await openPage(browser, `http://other.example.org:${port}/dask/status`);
    expect(await page.locator('main').textContent()).toContain('HOST_REFUSED');
    await page.context().close();
  });

  test('a proxy that passes no WebSockets: the page says so, and leads to what helps', async () => {
    const port = await freePort();
    const [site = ''] = documented(DOC, 'nginx', 'nginx');
    const changes = { 'listen 80;': `listen 127.0.0.1:${port};`, '8787': own, '$http_upgrade;': '"";' };
    await services.nginx(adapted(site, changes), port);
    const { page } = await openPage(browser, `http://${NAME}:${port}/dask/tasks/`);
    const banner = page.getByRole('alert').filter({ hasText: 'it may not pass WebSockets' });
    await banner.waitFor();
    await keepPicture(page, 'no-websockets');
    const [help] = await Promise.all([page.waitForEvent('popup'), banner.getByRole('link').click()]);
    expect(help.url()).toBe(`http://${NAME}:${port}/dask/help/troubleshooting.html#the-server-does-not-answer`);
    await help.locator('h2#the-server-does-not-answer').waitFor();
    // Its style came: the content security policy lets it be.
    expect(await help.evaluate(() => getComputedStyle(document.body).maxWidth)).not.toBe('none');
    await help.setViewportSize({ width: 1000, height: 900 });
    await keepPicture(help, 'help-troubleshooting');
    // Its links lead on: to a part of itself, to other documents.
    await help.locator('a[href="#behind-a-proxy"]').first().click();
    expect(new URL(help.url()).hash).toBe('#behind-a-proxy');
    await page.context().close();
  });

  test('jupyter-server-proxy, behind the login of Jupyter', async () => {
    const port = await freePort();
    await services.jupyter(port, TOKEN, NAME);
    const anonymous = await fetch(`http://127.0.0.1:${port}/proxy/${own}/status`, { redirect: 'manual' });
    expect(anonymous.status).toBe(302);
    await works(`http://${NAME}:${port}/proxy/${own}/status?token=${TOKEN}`);
  });
});

/** A documented command as its words; none of them holds a space. */
function words(command: string): string[] {
  return command.split(/\s+/);
}
