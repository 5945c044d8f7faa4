import { existsSync } from 'node:fs';
import { findBrowser } from './programs.mjs';
import { run } from './run.mjs';
import { Failure, say } from './say.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'microsoft-edge'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/snap/bin/chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Where a Chromium is: $CHROMIUM, else on PATH, else where installers put it. */
export const findChromium = () => findBrowser('CHROMIUM', NAMES, PLACES);

/** Finds a Chromium for the browser tests; installs Debian's where that is possible. */
export async function installChromium() {
  if (findChromium() !== undefined) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync('/usr/bin/apt-get')) {
    throw new Failure(
      'No Chromium was found; the page is tested in a real browser.',
      'Install Chromium or Chrome (Debian: sudo apt-get install chromium), or set CHROMIUM to its path.',
    );
  }
  say('Installing Chromium with apt-get …');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update'], { quiet: true, env });
  const install = ['install', '-y', '--no-install-recommends', 'chromium'];
  if ((await run('apt-get', install, { quiet: true, env })) !== 0 || findChromium() === undefined) {
    throw new Failure('apt-get could not install chromium.', 'Install Chromium or Chrome yourself, or set CHROMIUM.');
  }
}
