import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot, run } from './run.mjs';
import { Failure, say } from './say.mjs';

/** The versions of Dask that the tests run against; each has `test/requirements-VERSION.txt`, every package pinned. */
export const DASK_VERSIONS = /** @type {const} */ (['2026.8.0', '2022.12.1']);
const NEWEST = DASK_VERSIONS[0];
/** Between those two: the agent's tests and the conformance suite run against it too. */
export const MIDDLE_DASK = '2024.4.1';
/** Jupyter has an environment of its own, `test/requirements-jupyter.txt`: Dask looks whether its proxy is there. */
const ENVIRONMENTS = [...DASK_VERSIONS, MIDDLE_DASK, 'jupyter'];

/**
 * The virtual environment of one version of Dask, or of `jupyter`.
 * @param {string} [version]
 */
export function venvOf(version = NEWEST) {
  return inRoot(version === NEWEST ? '.venv' : `.venv-${version}`);
}

/**
 * A command of a virtual environment, e.g. `python` or `dask`.
 * @param {string} command
 * @param {string} [version]
 */
export function venvCommand(command, version = NEWEST) {
  return process.platform === 'win32'
    ? path.join(venvOf(version), 'Scripts', `${command}.exe`)
    : path.join(venvOf(version), 'bin', command);
}

/** Makes the virtual environments that are missing or whose requirements have changed. */
export async function installPython() {
  for (const version of ENVIRONMENTS) {
    const requirements = inRoot('test', `requirements-${version}.txt`);
    const stampFile = path.join(venvOf(version), '.requirements-hash');
    const stamp = createHash('sha256').update(readFileSync(requirements)).digest('hex');
    const usable = existsSync(venvCommand('python', version));
    if (usable && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) continue;
    const name = path.basename(venvOf(version));
    say(`Installing ${version === 'jupyter' ? 'Jupyter' : `Dask ${version}`} into ${name}/ …`);
    if (!usable) await makeVenv(venvOf(version));
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    if ((await run(venvCommand('python', version), pip, { quiet: true })) !== 0) {
      throw new Failure(
        `pip could not install ${path.relative(inRoot(), requirements)}.`,
        `Check that the Python package index can be reached; delete ${name}/ to begin afresh.`,
      );
    }
    writeFileSync(stampFile, stamp);
  }
}

/**
 * An empty virtual environment, in place of what was there.
 * @param {string} folder
 */
export async function makeVenv(folder) {
  rmSync(folder, { recursive: true, force: true });
  const status = await run(findPython(), ['-m', 'venv', folder], { quiet: true });
  if (status === 0) return;
  rmSync(folder, { recursive: true, force: true });
  throw new Failure(
    'Python could not make a virtual environment.',
    'Install its venv and pip modules (Debian: apt-get install python3-venv), then run this again.',
  );
}

/** @returns {string} */
function findPython() {
  for (const candidate of ['python3.11', 'python3', 'python3.12', 'python3.13', 'python']) {
    try {
      const version = execFileSync(candidate, ['-c', 'import sys; print(*sys.version_info[:2])'], { encoding: 'utf8' });
      const [major = 0, minor = 0] = version.trim().split(' ').map(Number);
      if (major === 3 && minor >= 11) return candidate;
    } catch {
      // Not here; try the next name.
    }
  }
  throw new Failure(
    'No Python 3.11 or newer was found.',
    'The tests run a real Dask: install Python 3.11 with venv and pip, then run this again.',
  );
}
