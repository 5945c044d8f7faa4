import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readJunitReport, readVitestReport } from './counts.mjs';
import { DASK_VERSIONS, MIDDLE_DASK, venvCommand } from './python.mjs';
import { inRoot, run, runNode } from './run.mjs';
import { Failure, say, warn } from './say.mjs';

/** @typedef {import('./counts.mjs').Counts} Counts */

const REPORTS = inRoot('.cache', 'reports');

/** What runs before the tests, cheapest first: name, how to run it, how to mend what it finds. */
const STEPS = /** @type {const} */ ([
  ['Format and lint (biome)', ['@biomejs/biome/bin/biome', ['ci', '.']], 'npm run format mends most of it'],
  ['Types (tsc)', ['../scripts/types.mjs', []], 'npm run types repeats it'],
  ['Unused code (knip)', ['knip/bin/knip.js', []], 'delete what it names, or list it in knip.json with the reason'],
  ['Build', ['../scripts/build.mjs', []], 'npm run build repeats it'],
  ['Size of the page (size-limit)', ['size-limit/bin.js', []], 'the budget is in .size-limit.json'],
]);

/**
 * All that CI runs. With patterns: only the tests of files whose path holds one of them (`agent` stands for the Python
 * tests), and the build that they need.
 * @param {readonly string[]} patterns
 */
export async function check(patterns) {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  /** @type {string[]} */
  const broken = [];
  for (const [name, [script, args], advice] of STEPS) {
    if (patterns.length > 0 && name !== 'Build') continue;
    say(`${name} …`);
    if ((await runNode(script, args)) === 0) continue;
    warn(`${name} failed: ${advice}.`);
    broken.push(name);
  }
  const wantsPython = patterns.length === 0 || patterns.some((pattern) => pattern.startsWith('agent'));
  const filters = patterns.filter((pattern) => !pattern.startsWith('agent'));
  const results = wantsPython ? await checkPython(patterns.length > 0, broken) : [];
  if (patterns.length === 0 || filters.length > 0) results.push(await runVitest(filters, broken));
  report(results, broken);
}

/**
 * @param {boolean} testsOnly
 * @param {string[]} broken
 * @returns {Promise<Counts[]>}
 */
async function checkPython(testsOnly, broken) {
  const agent = inRoot('agent');
  if (!existsSync(venvCommand('ruff'))) {
    throw new Failure('The Python environment is missing.', 'Run npm test, which installs it.');
  }
  if (!testsOnly) {
    say('Format and lint of the Python part (ruff) …');
    const folders = ['agent', 'examples'];
    const lint = await run(venvCommand('ruff'), ['check', ...folders]);
    const format = await run(venvCommand('ruff'), ['format', '--check', '--quiet', ...folders]);
    if (lint !== 0 || format !== 0) {
      warn('ruff failed: .venv/bin/ruff check --fix and .venv/bin/ruff format mend most of it.');
      broken.push('ruff');
    }
  }
  /** @type {Counts[]} */
  const results = [];
  for (const version of [...DASK_VERSIONS, MIDDLE_DASK]) {
    say(`Tests of the Python part on Dask ${version} (pytest) …`);
    const file = path.join(REPORTS, `pytest-${version}.xml`);
    // pytest's own log handler raises on records that do not format, which a log of ours must take.
    const pytest = ['-m', 'pytest', '-q', `--junitxml=${file}`, '-p', 'no:cacheprovider', '-p', 'no:logging'];
    if (version === MIDDLE_DASK) pytest.push('tests/test_agent.py');
    const status = await run(venvCommand('python', version), pytest, { cwd: agent });
    results.push(readResult(readJunitReport(file), status, `pytest on Dask ${version}`, broken));
  }
  return results;
}

/**
 * @param {readonly string[]} filters
 * @param {string[]} broken
 */
async function runVitest(filters, broken) {
  say('Tests (vitest) …');
  const file = path.join(REPORTS, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const status = await runNode('vitest/vitest.mjs', ['run', ...reporters, ...filters]);
  return readResult(readVitestReport(file), status, 'vitest', broken);
}

/**
 * A runner that failed without a failed test to show for it is itself what is broken.
 * @param {Counts | undefined} counts
 * @param {number} status
 * @param {string} name
 * @param {string[]} broken
 * @returns {Counts}
 */
function readResult(counts, status, name, broken) {
  const result = counts ?? { passed: 0, failed: [], skipped: [] };
  if (status !== 0 && result.failed.length === 0) broken.push(name);
  if (status === 0 && result.passed === 0) broken.push(`${name} ran no test`);
  return result;
}

/**
 * The closing lines; the last one is for machines too.
 * @param {readonly Counts[]} results
 * @param {readonly string[]} broken
 */
function report(results, broken) {
  const passed = results.reduce((sum, counts) => sum + counts.passed, 0);
  const failures = results.flatMap((counts) => counts.failed);
  const skipped = results.flatMap((counts) => counts.skipped);
  for (const name of skipped) say(`Skipped: ${name}`);
  for (const name of failures) warn(`Failed: ${name}`);
  if (broken.length > 0) warn(`Failed: ${broken.join(', ')}`);
  console.log(`${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
  if (failures.length > 0 || broken.length > 0) process.exitCode = 1;
}
