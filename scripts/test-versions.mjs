/**
 * `npm run test:versions -- [VERSION…]`: the conformance suite against one version of every minor line of Dask since 2022.12 that
 * the package index has for this Python, or against those that are named (`2024.4` or `2024.4.1`). Each gets an environment of its
 * own under .cache/dask-versions, which is kept. Prints a table. It needs what the tests need; `npm test` installs it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readVitestReport } from './lib/counts.mjs';
import { requireNode } from './lib/install.mjs';
import { makeVenv, venvCommand } from './lib/python.mjs';
import { inRoot, run, runNode } from './lib/run.mjs';
import { Failure, main, say, warn } from './lib/say.mjs';

const OLDEST = [2022, 12];
const TESTS = ['test/dask/conformance.test.ts', 'test/dask/agent-source.test.ts'];
const TESTS_OF_AGENT = ['tests/test_agent.py', 'tests/test_run_again.py'];

/** @typedef {{ version: string, outcome: string, passed: number, failed: number, seconds: number }} Row */

await main(async () => {
  requireNode();
  const wanted = process.argv.slice(2);
  const lines = newestOfEachLine(listedVersions());
  const versions =
    wanted.length === 0
      ? lines
      : wanted.map((word) => (word.split('.').length > 2 ? word : lines.find((v) => v.startsWith(`${word}.`))) ?? word);
  /** @type {Row[]} */
  const rows = [];
  for (const version of versions) {
    rows.push(await tryVersion(version));
    printRow(/** @type {Row} */ (rows.at(-1)));
  }
  say('All of them:');
  for (const row of rows) printRow(row);
  if (rows.some(({ outcome }) => outcome !== 'passes' && outcome !== 'cannot be installed')) process.exitCode = 1;
});

/** What the package index has, newest first. */
function listedVersions() {
  const pip = ['-m', 'pip', 'index', 'versions', 'distributed', '--disable-pip-version-check'];
  const output = execFileSync(venvCommand('python'), pip, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const list = /^Available versions: (.*)$/m.exec(output)?.[1];
  if (list === undefined) {
    throw new Failure(
      'The package index does not say which versions there are.',
      'Name them: npm run test:versions -- 2024.4.1',
    );
  }
  return list.split(', ');
}

/**
 * The newest version of each minor line from the oldest supported one on, oldest first.
 * @param {readonly string[]} versions newest first
 */
function newestOfEachLine(versions) {
  /** @type {Map<string, string>} */
  const lines = new Map();
  for (const version of versions) {
    const [year = 0, month = 0, ...rest] = version.split('.').map(Number);
    if (![year, month, ...rest].every(Number.isInteger)) continue;
    if (year < 2000 || year * 100 + month < /** @type {number} */ (OLDEST[0]) * 100 + /** @type {number} */ (OLDEST[1]))
      continue;
    const line = `${year}.${month}`;
    if (!lines.has(line)) lines.set(line, version);
  }
  return [...lines.values()].reverse();
}

/**
 * @param {string} version
 * @returns {Promise<Row>}
 */
async function tryVersion(version) {
  const began = performance.now();
  const folder = inRoot('.cache', 'dask-versions', version);
  const python = path.join(folder, 'bin', 'python');
  /** @type {(outcome: string, passed?: number, failed?: number) => Row} */
  const row = (outcome, passed = 0, failed = 0) => {
    return { version, outcome, passed, failed, seconds: (performance.now() - began) / 1000 };
  };
  if (!existsSync(path.join(folder, '.installed'))) {
    say(`Installing distributed ${version} …`);
    mkdirSync(path.dirname(folder), { recursive: true });
    await makeVenv(folder);
    // setuptools: up to 2023.3 it is needed and not asked for.
    // A corrected release of distributed alone has a fourth number.
    const dask = version.split('.').slice(0, 3).join('.');
    const packages = [`distributed==${version}`, `dask==${dask}`, 'setuptools<81', 'pytest'];
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    if ((await run(python, pip, { quiet: true })) !== 0) {
      rmSync(folder, { recursive: true, force: true });
      return row('cannot be installed');
    }
    await run(python, ['-c', `open(${JSON.stringify(path.join(folder, '.installed'))}, 'w')`]);
  }
  say(`Tests on Dask ${version} …`);
  const file = inRoot('.cache', 'reports', `dask-${version}.json`);
  rmSync(file, { force: true });
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const env = { TASKGLASS_TEST_DASK: `${version}=${python}` };
  const status = await runNode('vitest/vitest.mjs', ['run', ...reporters, ...TESTS], { quiet: true, env });
  const counts = readVitestReport(file);
  const pytest = await run(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...TESTS_OF_AGENT], {
    quiet: true,
    cwd: inRoot('agent'),
  });
  for (const name of counts?.failed ?? []) warn(`${version}: ${name}`);
  if (pytest !== 0) warn(`${version}: the tests of the agent`);
  const good = status === 0 && pytest === 0;
  return row(good ? 'passes' : 'fails', counts?.passed ?? 0, counts?.failed.length ?? 0);
}

/** @param {Row} row */
function printRow({ version, outcome, passed, failed, seconds }) {
  console.log(
    `${version.padEnd(12)} ${outcome.padEnd(20)} ${String(passed).padStart(4)} passed ${String(failed).padStart(3)} failed ${seconds.toFixed(0).padStart(5)} s`,
  );
}
