/**
 * `npm run audit`: known vulnerabilities of what is installed with the package, as the registry lists them. Ends with status 1 where there are
 * some; where the registry answers no such question it says that nothing was looked at, and ends well.
 */
import { spawnSync } from 'node:child_process';
import { inRoot } from './lib/run.mjs';
import { Failure, main, say, warn } from './lib/say.mjs';

await main(() => {
  const args = ['audit', '--omit=dev', '--json'];
  const { stdout, error } = spawnSync('npm', args, {
    cwd: inRoot(),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (error !== undefined) throw new Failure('npm does not start.', error.message);
  const report = parse(stdout);
  const found = report?.metadata?.vulnerabilities;
  if (found === undefined) {
    const { message = '', error: reason } = report ?? {};
    warn(`Not audited: the registry does not say what is vulnerable (${message || reason?.summary || 'no answer'}).`);
    say(
      'It is asked at /-/npm/v1/security/advisories/bulk, which mirrors often lack. npm run audit -- where there is one.',
    );
    return;
  }
  if (found.total > 0) {
    const names = Object.entries(report.vulnerabilities).map(([name, { severity }]) => `${name} (${severity})`);
    throw new Failure(
      `Vulnerable: ${names.join(', ')}.`,
      'npm audit --omit=dev says more, and which versions are not.',
    );
  }
  say(`No known vulnerabilities in ${report.metadata.dependencies?.prod ?? 'the'} packages.`);
});

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
