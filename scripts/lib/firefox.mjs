import { existsSync } from 'node:fs';
import { findBrowser } from './programs.mjs';
import { run } from './run.mjs';
import { say, warn } from './say.mjs';

const NAMES = ['firefox-esr', 'firefox'];
const PLACES = ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'];

/** Where a Firefox is: $FIREFOX, else on PATH, else where installers put it. */
export const findFirefox = () => findBrowser('FIREFOX', NAMES, PLACES);

/** Finds a Firefox for the second round of browser tests; installs Debian's where that is possible. Without one they are skipped, by name. */
export async function installFirefox() {
  if (findFirefox() !== undefined) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say('Installing Firefox with apt-get …');
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { quiet: true, env });
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'firefox-esr'], { quiet: true, env });
  }
  if (findFirefox() === undefined) {
    warn('No Firefox: its tests are skipped. Install it (Debian: sudo apt-get install firefox-esr), or set FIREFOX.');
  }
}
