import { existsSync, readFileSync } from 'node:fs';

/**
 * How a test runner's run went, read from the report it wrote.
 * @typedef {{ passed: number, failed: number, skipped: string[] }} Counts
 */

/**
 * Vitest's JSON report. A file that could not be loaded counts as one failure.
 * @param {string} file
 * @returns {Counts | undefined} undefined when there is no report
 */
export function readVitestReport(file) {
  if (!existsSync(file)) return undefined;
  /** @type {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const report = JSON.parse(readFileSync(file, 'utf8'));
  /** @type {Counts} */
  const counts = { passed: 0, failed: 0, skipped: [] };
  for (const result of report.testResults) {
    let failed = 0;
    for (const test of result.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') failed += 1;
      else counts.skipped.push(test.fullName);
    }
    counts.failed += result.status === 'failed' ? Math.max(1, failed) : failed;
  }
  return counts;
}

/**
 * pytest's JUnit report.
 * @param {string} file
 * @returns {Counts | undefined} undefined when there is no report
 */
export function readJunitReport(file) {
  if (!existsSync(file)) return undefined;
  const xml = readFileSync(file, 'utf8');
  const suite = /<testsuite [^>]*>/.exec(xml)?.[0] ?? '';
  /** @param {string} name */
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = [...xml.matchAll(/<testcase [^>]*?name="([^"]*)"[^>]*>\s*<skipped/g)].map((match) => match[1] ?? '');
  return { passed: number('tests') - failed - number('skipped'), failed, skipped };
}
