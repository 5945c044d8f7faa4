/** `npm run check -- [PATTERN…]`: all that CI runs, on what is installed. `npm test` installs first. */
import { check } from './lib/check.mjs';
import { installPackages, requireNode } from './lib/install.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  requireNode();
  await installPackages();
  await check(process.argv.slice(2));
});
