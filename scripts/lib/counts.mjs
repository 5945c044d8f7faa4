import { existsSync, readFileSync } from 'node:fs';

/**
 * How a test runner's run went, read from the report it wrote.
 * `failed` and `skipped` name the tests.
 * @typedef {{ passed: number, failed: string[], skipped: string[] }} Counts
 */

/**
 * Vitest's JSON report. A file that could not be loaded counts as one failure.
 * @param {string} file
 * @returns {Counts | undefined} undefined when there is no report
 */
export function readVitestReport(file) {
  if (!existsSync(file)) return undefined;
  /** @type {{ testResults: { name: string, status: string, message: string, assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }[] }} */
  const report = JSON.parse(readFileSync(file, 'utf8'));
  /** @type {Counts} */
  const counts = { passed: 0, failed: [], skipped: [] };
  for (const result of report.testResults) {
    let failed = 0;
    for (const test of result.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed')
        failed = counts.failed.push(`${test.fullName}: ${firstLine(test.failureMessages[0])}`);
      else counts.skipped.push(test.fullName);
    }
    if (result.status === 'failed' && failed === 0) counts.failed.push(`${result.name}: ${firstLine(result.message)}`);
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
  /** @param {string} outcome */
  const names = (outcome) =>
    [...xml.matchAll(new RegExp(`<testcase [^>]*?\\bname="([^"]*)"[^>]*>\\s*<(?:${outcome})`, 'g'))].map(
      (match) => match[1] ?? '',
    );
  const failed = names('failure|error');
  return {
    passed: number('tests') - number('failures') - number('errors') - number('skipped'),
    failed,
    skipped: names('skipped'),
  };
}

/** @param {string | undefined} text */
function firstLine(text) {
  return (text ?? '').split('\n', 1)[0]?.slice(0, 300) ?? '';
}
