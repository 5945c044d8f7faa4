import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { type Certificate, Certificates } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { freePort } from '../support/ports.ts';

const TOKEN = 'correct-horse';

let certificates: Certificates;
let browser: Browser;
beforeAll(async () => {
  certificates = new Certificates();
  // The one CA that this browser knows, by its key: what it says of every other certificate is what any browser says.
  const { publicKey } = new X509Certificate(readFileSync(certificates.caFile));
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  browser = await launchBrowser([], [`--ignore-certificate-errors-spki-list=${spki}`]);
});
afterAll(async () => {
  await browser?.close();
  certificates?.[Symbol.dispose]();
});

/** The certificate with that of its CA behind it, as servers send it. */
function chained(name: string, authority: Certificate = { cert: certificates.caFile, key: '' }): Certificate {
  const { cert, key } = certificates.issue(name, authority.key === '' ? {} : { authority });
  const chain = path.join(certificates.folder, `${name}-chain.pem`);
  writeFileSync(chain, Buffer.concat([readFileSync(cert), readFileSync(authority.cert)]));
  return { cert: chain, key };
}

/** The built command with its embedded cluster, once it serves. */
async function serve({ cert, key }: Certificate, port: number): Promise<Child> {
  await build();
  const options = ['--workers', '1', '--no-record', '--no-browser', '--port', String(port), '--token', TOKEN];
  const secure = ['--https-cert', cert, '--https-key', key];
  const child = new Child(process.execPath, ['dist/cli.js', 'demo', ...options, ...secure]);
  try {
    await child.printed(new RegExp(`Taskglass UI at: https://127\\.0\\.0\\.1:${port}/status`));
  } catch (error) {
    await child.kill();
    throw error;
  }
  return child;
}

test('the login, the live pages and the debug pages behind them, all over https and wss', async () => {
  const port = await freePort();
  await using _taskglass = await serve(chained('localhost'), port);
  const origin = `https://localhost:${port}`;

  const refused = await openPage(browser, `${origin}/status`);
  await refused.page.getByText('token', { exact: false }).first().waitFor();
  await refused.page.context().close();

  const { page, problems } = await openPage(browser, 'about:blank');
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  page.on('websocket', (socket) => addresses.push(socket.url()));
  await page.goto(`${origin}/status?token=${TOKEN}`);
  // Cookie in, token out of the address.
  expect(page.url()).toBe(`${origin}/status`);
  const [cookie, ...more] = await page.context().cookies(origin);
  expect(more).toEqual([]);
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict' });
  expect(cookie!.value).not.toContain(TOKEN);
  // The example of the embedded cluster, told by the live socket.
  await page.locator('[data-total=records]', { hasText: '301' }).waitFor();
  expect(await page.evaluate(() => isSecureContext)).toBe(true);
  await keepPicture(page, 'https-status');

  // Debug servers speak plain HTTP: the pages of them come through the main server.
  await page.getByRole('link', { name: 'Scheduler', exact: true }).click();
  await page.waitForURL(`${origin}/scheduler/debug`);
  await page.getByText('Event loop').first().waitFor();
  const links = await page.locator('a[href]').evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).href));
  expect(links.filter((link) => !link.startsWith(`${origin}/`))).toEqual([]);
  await keepPicture(page, 'https-debug');

  const mine = [`${origin}/`, `wss://localhost:${port}/`, 'data:', 'blob:'];
  expect(addresses.filter((address) => !mine.some((begin) => address.startsWith(begin)))).toEqual([]);
  expect(addresses.some((address) => address.startsWith('wss:'))).toBe(true);
  expect(problems).toEqual([]);
  await page.context().close();
});

test('a certificate of another CA is refused by the same browser', async () => {
  const port = await freePort();
  await using _taskglass = await serve(chained('stranger', certificates.authority('another')), port);
  const page = await browser.newPage();
  await expect(page.goto(`https://localhost:${port}/status`)).rejects.toThrow(/ERR_CERT/);
  await page.close();
});
