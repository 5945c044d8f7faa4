/** `npm run wheel`: builds the Python package `taskglass` into dist/wheel. */
import { installPackages, requireNode } from './lib/install.mjs';
import { inRoot } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';
import { buildWheel } from './lib/wheel.mjs';

await main(async () => {
  requireNode();
  await installPackages();
  say(`Built ${await buildWheel(inRoot('dist', 'wheel'))}`);
});
