import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { writeHelp } from './help.mjs';
import { inRoot, ROOT, runNode } from './run.mjs';
import { Failure, say } from './say.mjs';

/** Everything that the build is made from. */
const SOURCES = [
  'scripts/lib/build.mjs',
  'src',
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.node.json',
  'vite.config.ts',
  'vite.server.config.ts',
  'scripts/lib/help.mjs',
  'docs',
  'agent/src/taskglass_agent',
];
const STAMP = inRoot('.cache', 'build-stamp');

/**
 * Builds `dist/`: the server, engine and command with tsc, the page with Vite into `dist/page`, and `dist/web`, which is
 * what the Python package carries. Does nothing when `dist/` was built from these very sources. It is built aside and then put in place, so that a failure keeps the old one and a
 * running server never sees half of it.
 * @param {{ force?: boolean }} [options]
 */
export async function build(options = {}) {
  const stamp = hashSources();
  if (!options.force && existsSync(inRoot('dist', 'cli.js')) && readStamp() === stamp) return;
  say('Building dist/ (sources have changed) …');
  const aside = inRoot('.cache', `build-${process.pid}`);
  const replaced = inRoot('.cache', `replaced-${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    await compile(aside);
    chmodSync(path.join(aside, 'cli.js'), 0o755);
    if (existsSync(inRoot('dist'))) renameSync(inRoot('dist'), replaced);
    renameSync(aside, inRoot('dist'));
    writeFileSync(STAMP, stamp);
  } finally {
    rmSync(aside, { recursive: true, force: true });
    rmSync(replaced, { recursive: true, force: true });
  }
}

/** @param {string} outDir */
async function compile(outDir) {
  const tsc = await runNode('typescript/bin/tsc', ['-p', inRoot('tsconfig.node.json'), '--outDir', outDir], {
    quiet: true,
  });
  if (tsc !== 0)
    throw new Failure('The server does not compile.', 'Mend what tsc says above; `npm run types` repeats it.');
  const page = path.join(outDir, 'page');
  const args = ['build', '--logLevel', 'warn', '--outDir', page, '--emptyOutDir'];
  const vite = await runNode('vite/bin/vite.js', args, { quiet: true });
  if (vite !== 0)
    throw new Failure('The page does not build.', 'Mend what Vite says above; `npm run build` repeats it.');
  writeHelp(path.join(page, 'help'));
  await bundle(path.join(outDir, 'web'), page);
}

/**
 * What runs with Node alone, without node_modules and wherever it is copied to: the main server as one file, beside it the
 * page and the part that it ships to schedulers.
 * @param {string} outDir
 * @param {string} page the built page
 */
async function bundle(outDir, page) {
  const config = inRoot('vite.server.config.ts');
  const args = ['build', '--config', config, '--logLevel', 'warn', '--outDir', outDir, '--emptyOutDir'];
  if ((await runNode('vite/bin/vite.js', args, { quiet: true })) !== 0)
    throw new Failure('The server does not bundle.', 'Mend what Vite says above; `npm run build` repeats it.');
  cpSync(page, path.join(outDir, 'page'), { recursive: true });
  cpSync(inRoot('agent', 'src', 'taskglass_agent'), path.join(outDir, 'taskglass_agent'), {
    recursive: true,
    filter: (file) => !file.includes('__pycache__'),
  });
}

function readStamp() {
  return existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '';
}

/** A hash over names and contents: times and checkouts do not matter. */
function hashSources() {
  const hash = createHash('sha256').update(process.version);
  for (const source of SOURCES) {
    for (const file of filesUnder(inRoot(source))) {
      if (/\.test\.tsx?$|\.pyc$/.test(file)) continue;
      hash.update(path.relative(ROOT, file)).update('\0').update(readFileSync(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

/**
 * @param {string} entry a file, or a folder that is walked in order
 * @returns {string[]}
 */
function filesUnder(entry) {
  if (!existsSync(entry)) return [];
  /** @type {string[]} */
  const files = [];
  /** @param {string} at */
  const walk = (at) => {
    for (const child of readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = path.join(at, child.name);
      if (child.isDirectory()) walk(full);
      else files.push(full);
    }
  };
  try {
    walk(entry);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOTDIR') throw error;
    files.push(entry);
  }
  return files;
}
