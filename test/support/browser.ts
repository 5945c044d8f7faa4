import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { ROOT } from './project-files.ts';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The system's Chromium, without a window. `names` lead to this machine, whatever they are elsewhere. */
export async function launchBrowser(names: readonly string[] = [], more: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error('No Chromium was found: run npm test once, which installs or asks for it.');
  }
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(',');
  return await chromium.launch({ executablePath, args: [...ARGS, ...more, `--host-resolver-rules=${rules}`] });
}

/** A page and what went wrong on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Uncaught errors, errors on the console, violations of the security policy, dialogs. A good page has none. */
  readonly problems: readonly string[];
}

/** Tests cut connections, and some come over plain HTTP, which browsers remark on: no problems of the page's. */
const NO_PROBLEM = /ERR_CONNECTION|WebSocket connection|Cross-Origin-Opener-Policy header has been ignored/;

/** Opens an address in a context of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  // A fault in a frame repeats in every frame: once is enough to read.
  const note = (problem: string): void => {
    if (!problems.includes(problem)) problems.push(problem);
  };
  await page.exposeFunction('reportViolation', (text: string) => note(`content security policy: ${text}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      const report = (globalThis as unknown as { reportViolation: (text: string) => void }).reportViolation;
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}:${event.lineNumber}`);
    });
  });
  // What is not an Error of a script (a layout that could not settle, say) has a message and an empty stack.
  page.on('pageerror', (error) => note(`uncaught: ${error.stack || error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !NO_PROBLEM.test(text)) note(`console: ${text}`);
  });
  page.on('dialog', async (dialog) => {
    note(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(url);
  return { page, problems };
}

/** Keeps a picture for people to look at, in an ignored folder. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = path.join(ROOT, '.cache', 'pictures');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
