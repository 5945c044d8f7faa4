/**
 * `npm run bench -- [NAME…] [--OPTION=N…]`: runs the benches of those names, or all of them. Each prints a table and keeps it
 * under bench/results. They need what the tests need; `npm test` installs it.
 */
import { Failure, main, say } from './lib/say.mjs';
import { importTypescript } from './lib/typescript.mjs';

/** Names with their options and how much of each is done when nothing else is said. */
const BENCHES = {
  'scheduler-cost': { minutes: 9, rounds: 2, tasks: 2_000 },
  'tasks-100k': { tasks: 100_000, passes: 2 },
  status: { passes: 2, seconds: 10 },
  latency: { tasks: 200 },
  store: { tasks: 10_000_000, queries: 100 },
  timeline: { tasks: 10_000_000, folded: 0 },
  ingest: { tasks: 200_000 },
  disk: { tasks: 262_144 },
  search: { tasks: 10_000_000 },
  playhead: { tasks: 300_000, seeks: 20 },
  export: { tasks: 100_000, large: 1_000_000 },
  'debug-servers': { seconds: 60 },
  soak: { minutes: 60 },
};

await main(async () => {
  const words = process.argv.slice(2);
  const names = words.filter((word) => !word.startsWith('--'));
  const settings = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('='));
  const unknown = names.find((name) => !(name in BENCHES));
  if (unknown !== undefined)
    throw new Failure(`There is no bench ${unknown}.`, `There are ${Object.keys(BENCHES).join(', ')}.`);
  for (const [name, defaults] of Object.entries(BENCHES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    /** @type {Record<string, number>} */
    const options = { ...defaults };
    for (const [option = '', value] of settings) if (option in options) options[option] = Number(value);
    say(
      `${name} ${Object.entries(options)
        .map((entry) => entry.join('='))
        .join(' ')} …`,
    );
    const bench = await importTypescript(`bench/${name}.ts`);
    await /** @type {(options: Record<string, number>) => Promise<void>} */ (bench.main)(options);
  }
});
