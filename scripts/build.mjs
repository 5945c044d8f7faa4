/** `npm run build`: makes dist/ when it is not up to date; `-- --force` makes it in any case. */
import { build } from './lib/build.mjs';
import { main } from './lib/say.mjs';

await main(() => build({ force: process.argv.includes('--force') }));
