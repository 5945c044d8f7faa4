/** `node scripts/screenshot.mjs`: takes the README's picture of /status, of a real Dask cluster at work. */
import { inRoot } from './lib/run.mjs';
import { main, say } from './lib/say.mjs';
import { importTypescript } from './lib/typescript.mjs';

await main(async () => {
  say('Running a computation on a Dask cluster and taking its picture …');
  const { takePicture } = await importTypescript('test/support/busy-picture.ts');
  const file = inRoot('docs', 'images', 'status-busy.png');
  await /** @type {(file: string) => Promise<void>} */ (takePicture)(file);
  say(`Wrote ${file}`);
});
