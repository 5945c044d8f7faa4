/**
 * `node scripts/licences.mjs [--check]`: writes docs/licences.md from package-lock.json, or says in one line that it is not what it
 * would write. Ends with status 1 for a licence that is not known to allow what we do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Failure, main } from './lib/say.mjs';

const FILE = new URL('../docs/licences.md', import.meta.url);
/** What is built into the page's scripts: of it nothing is installed with us. */
const IN_PAGE = ['solid-js', 'uplot'];
/** Each allows use, change and passing on, and asks for its notice. */
const ALLOWED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'Unlicense', 'CC0-1.0']);

/** @typedef {{ version: string, license?: string, dev?: boolean, os?: string[], cpu?: string[], dependencies?: Record<string, string> }} Locked */

await main(() => {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const text = render(/** @type {Record<string, Locked>} */ (lock.packages));
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    throw new Failure('docs/licences.md is not what package-lock.json says.', 'Run node scripts/licences.mjs.');
  }
});

/** @param {Record<string, Locked>} packages */
function render(packages) {
  const all = Object.entries(packages).filter(([path]) => path !== '');
  // Builds of a package for one platform each: their licence is that of the package.
  const isBuild = (/** @type {Locked} */ { os, cpu }) => os !== undefined || cpu !== undefined;
  const installed = all.filter(([, locked]) => locked.dev !== true && !isBuild(locked));
  const inPage = closure(packages, IN_PAGE);
  const unknown = [...installed, ...inPage].filter(([, { license = '' }]) => !ALLOWED.has(license));
  if (unknown.length > 0) {
    throw new Failure(
      `Unknown licences: ${unknown.map(([path, { license }]) => `${path} (${license})`).join(', ')}.`,
      'Read them.',
    );
  }
  return `# Licences

Taskglass is under the BSD-3-Clause licence (\`LICENSE\`). This is what comes with it, as \`package-lock.json\` has it; made by \`node scripts/licences.mjs\`. The
Python package needs nothing at run time but the Dask that it watches; what its wheel carries of the server is of the packages below; their notices lie beside it.

## Installed with the npm package

Builds for single platforms (\`@msgpackr-extract/…\`, \`@napi-rs/nice-…\`) are under the licences of the packages that they are of.

${table(installed)}
## Built into the scripts of the page

${table(inPage)}`;
}

/** @param {[string, Locked][]} entries */
function table(entries) {
  const rows = entries
    .map(([path, { version, license }]) => `| ${path.replace(/^.*node_modules\//, '')} | ${version} | ${license} |\n`)
    .sort();
  return `| package | version | licence |\n|---|---|---|\n${[...new Set(rows)].join('')}`;
}

/**
 * These packages and what they need.
 * @param {Record<string, Locked>} packages
 * @param {readonly string[]} names
 * @returns {[string, Locked][]}
 */
function closure(packages, names) {
  const found = new Map();
  for (const left = [...names]; left.length > 0; ) {
    const path = `node_modules/${left.pop()}`;
    const locked = packages[path];
    if (locked === undefined || found.has(path)) continue;
    found.set(path, locked);
    left.push(...Object.keys(locked.dependencies ?? {}));
  }
  return [...found];
}
