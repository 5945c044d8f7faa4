/** `npm start -- ARGS`: installs and builds what is missing or stale, then runs `taskglass demo ARGS`. */
import { pathToFileURL } from 'node:url';
import { build } from './lib/build.mjs';
import { installPackages, requireNode } from './lib/install.mjs';
import { inRoot } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';

await main(async () => {
  requireNode();
  await installPackages();
  await build();
  const cli = inRoot('dist', 'cli.js');
  const args = ['demo', ...process.argv.slice(2)];
  say(`Starting taskglass ${args.join(' ')} …`);
  // In this very process: a signal to `npm start` then reaches the server without a relay.
  process.argv = [process.execPath, cli, ...args];
  await import(pathToFileURL(cli).href);
});
