/**
 * `npm run fuzz -- [TARGET…] [--seconds=N] [--seed=N]`: changes what comes from outside until something breaks, longer than `npm test`
 * does and led by which code is reached. Each target takes N seconds, 60 where nothing is said.
 */
import { Failure, main, say } from './lib/say.mjs';
import { importTypescript } from './lib/typescript.mjs';

await main(async () => {
  const words = process.argv.slice(2);
  const names = words.filter((word) => !word.startsWith('--'));
  /** @param {string} name @param {number} preset */
  const option = (name, preset) => {
    const given = words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1];
    const value = given === undefined ? preset : Number(given);
    if (!(value > 0)) throw new Failure(`--${name} must be a number above 0.`, `For example --${name}=60.`);
    return value;
  };
  const fuzz = await importTypescript('test/fuzz/main.ts');
  const run = /** @type {(options: object) => Promise<number>} */ (fuzz.main);
  const seed = option('seed', (Date.now() % 0xffff_ffff) + 1);
  say(`seed ${seed}`);
  const findings = await run({ names, seconds: option('seconds', 60), seed, say });
  if (findings > 0) throw new Failure(`${findings} found.`, 'Make a test of each input, and mend what it breaks.');
});
