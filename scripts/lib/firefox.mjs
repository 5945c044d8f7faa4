import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { run } from './run.mjs';
import { Failure, say, warn } from './say.mjs';

const NAMES = ['firefox-esr', 'firefox'];
const PLACES = ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'];

/**
 * Where a Firefox is: $FIREFOX, else on PATH, else where installers put it.
 * @returns {string | undefined}
 */
export function findFirefox() {
  const named = process.env.FIREFOX;
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named;
    throw new Failure(`FIREFOX names ${named}, which is not a program.`, 'Correct or unset that variable.');
  }
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return [...NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))), ...PLACES].find(isProgram);
}

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

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
