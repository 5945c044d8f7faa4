import { existsSync, readFileSync } from 'node:fs';
import { inRoot, run } from './run.mjs';
import { Failure, say } from './say.mjs';

const OLDEST_NODE = [20, 19];

/** Refuses a Node that is too old before anything else fails in a way that nobody understands. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new Failure(
    `Node ${process.versions.node} is too old; Taskglass needs ${OLDEST_NODE.join('.')} or newer.`,
    'Install the current LTS release of Node.js and run this again.',
  );
}

/**
 * What keeps node_modules from being what package-lock.json says; empty when nothing does. npm leaves a lock file of its
 * own in node_modules that tells what is really there. Optional packages may be absent: they are for other systems.
 * @returns {string}
 */
function missingPackage() {
  const installedPath = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return 'node_modules is missing';
  const wanted = readLock(inRoot('package-lock.json'));
  const installed = readLock(installedPath);
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === '') continue;
    const found = installed[name];
    if (found === undefined ? entry.optional !== true : found.version !== entry.version) return `${name} has changed`;
  }
  return '';
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function readLock(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** Installs the packages of package-lock.json, when they are not there already. */
export async function installPackages() {
  const reason = missingPackage();
  if (reason === '') return;
  say(`Installing packages with npm ci (${reason}) …`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const status =
    npm !== undefined && /\.c?js$/.test(npm)
      ? await run(process.execPath, [npm, ...args], { quiet: true })
      : await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { quiet: true });
  if (status !== 0) {
    throw new Failure('npm ci failed.', 'Check that the npm registry can be reached, then run this again.');
  }
}
