/**
 * `npm test -- [--slow] [PATTERN…]`: installs what the tests need (packages, three versions of Dask, Jupyter, two browsers, nginx, OpenSSH) and runs them.
 * `--slow`: the soak takes five minutes instead of one, and a browser is suspended for ten.
 */
import { check } from './lib/check.mjs';
import { installChromium } from './lib/chromium.mjs';
import { installPrograms } from './lib/debian.mjs';
import { installFirefox } from './lib/firefox.mjs';
import { installPackages, requireNode } from './lib/install.mjs';
import { installPython } from './lib/python.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  requireNode();
  await installPackages();
  await installPython();
  await installChromium();
  await installFirefox();
  await installPrograms();
  const words = process.argv.slice(2);
  if (words.includes('--slow')) process.env.TASKGLASS_SLOW = '1';
  await check(words.filter((word) => word !== '--slow'));
});
