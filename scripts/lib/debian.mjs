import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isProgram, pathFolders } from './programs.mjs';
import { inRoot, run } from './run.mjs';
import { Failure, say } from './say.mjs';

/**
 * Programs that the tests of ports and proxies start themselves. They are unpacked into the checkout, not installed: Debian
 * starts a web server and an SSH server at once where they are installed, and nobody asked for those.
 * Each has the packages that hold it and the libraries that may be missing beside it.
 */
const PROGRAMS = /** @type {const} */ ({
  nginx: { file: 'usr/sbin/nginx', packages: ['nginx'] },
  sshd: { file: 'usr/sbin/sshd', packages: ['openssh-server', 'libwrap0'] },
  ssh: {
    file: 'usr/bin/ssh',
    packages: ['openssh-client', 'libedit2', 'libbsd0', 'libmd0', 'libcbor0.8', 'libfido2-1'],
  },
  'ssh-keygen': { file: 'usr/bin/ssh-keygen', packages: ['openssh-client'] },
});
/** @typedef {keyof typeof PROGRAMS} Program */

/** Where they are unpacked. */
export const UNPACKED = inRoot('.cache', 'debian');

/**
 * Where a program is: installed, else unpacked by {@link installPrograms}.
 * @param {Program} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  const installed = [...pathFolders(), '/usr/sbin', '/usr/local/sbin'].map((folder) => path.join(folder, name));
  return [...installed, path.join(UNPACKED, PROGRAMS[name].file)].find(isProgram);
}

/** Finds nginx and the programs of OpenSSH; unpacks Debian's where they are missing and apt-get is there. Needs no root. */
export async function installPrograms() {
  const missing = /** @type {Program[]} */ (Object.keys(PROGRAMS)).filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return;
  const advice = 'Install nginx, openssh-server and openssh-client (on a Mac: brew install nginx openssh).';
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Failure(
      `${missing.join(', ')} not found; ways round closed ports are tested with the real ones.`,
      advice,
    );
  }
  const packages = [...new Set(missing.flatMap((name) => PROGRAMS[name].packages))];
  say(`Unpacking ${packages.join(', ')} from Debian into .cache/debian/ …`);
  // An image may come without lists; only root may fetch them.
  if (process.getuid?.() === 0) await run('apt-get', ['update'], { quiet: true });
  const aside = `${UNPACKED}-${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    for (const name of packages) {
      // A library that this release of Debian names otherwise is not needed by this name.
      await run('apt-get', ['download', '-q', name], { quiet: true, cwd: aside });
    }
    for (const archive of readdirSync(aside).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', archive, aside], { quiet: true, cwd: aside });
      rmSync(path.join(aside, archive));
    }
    rmSync(UNPACKED, { recursive: true, force: true });
    renameSync(aside, UNPACKED);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  const still = missing.filter((name) => findProgram(name) === undefined);
  if (still.length > 0) throw new Failure(`apt-get could not fetch ${still.join(', ')}.`, advice);
}
