import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { findProgram, UNPACKED } from '../../scripts/lib/debian.mjs';
import { venvCommand } from '../../scripts/lib/python.mjs';
import { Child } from './child.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

/** Root's servers ask for users and folders of the system's; those of nobody, who has no rights, do not. */
const NOBODY = 65_534;
const isRoot = userInfo().uid === 0;

/**
 * Servers that are no part of ours: nginx, sshd, Jupyter. On loopback, on free ports, with everything of theirs in one
 * folder. `await using` ends them.
 */
export class Services implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'taskglass-services-'));
  readonly #children: Child[] = [];

  constructor() {
    // A checkout may lie where nobody else may look.
    if (existsSync(UNPACKED)) cpSync(UNPACKED, path.join(this.folder, 'debian'), { recursive: true });
  }

  /** Runs nginx with `site` as a file of its `conf.d`. */
  async nginx(site: string, port: number): Promise<void> {
    const { folder } = this;
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp;`);
    this.#write(
      'nginx.conf',
      ['daemon off;', 'pid nginx.pid;', 'error_log stderr;', 'events {}', 'http {', 'access_log off;', ...temporary]
        .concat('include site.conf;', '}')
        .join('\n'),
    );
    this.#write('site.conf', site);
    this.#handOver();
    const child = this.#start('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'stderr']);
    await answering(child, port);
  }

  /**
   * Runs an SSH server with keys of its own. Returns what `ssh` needs beside the words of a person to log in to it without
   * a question: the options, and `user@host`.
   */
  async sshd(): Promise<{ options: string[]; destination: string }> {
    const { folder } = this;
    const port = await freePort();
    for (const key of ['host_key', 'user_key']) {
      const args = ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, key)];
      const keygen = new Child(program('ssh-keygen'), args, { env: this.#libraries });
      if ((await keygen.ended()) !== 0) throw new Error(keygen.output);
    }
    cpSync(path.join(folder, 'user_key.pub'), path.join(folder, 'authorized_keys'));
    const session = path.join(path.dirname(path.dirname(this.#program('sshd'))), 'lib', 'openssh', 'sshd-session');
    this.#write(
      'sshd_config',
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${folder}/host_key`,
        `AuthorizedKeysFile ${folder}/authorized_keys`,
        'PidFile none',
        // The folder lies in the one for temporary files, which others may write to.
        'StrictModes no',
        'PasswordAuthentication no',
        // Without it an account whose password cannot be read counts as locked.
        'UsePAM yes',
        // From 9.8 on a second program serves each connection.
        ...(existsSync(session) ? [`SshdSessionPath ${session}`] : []),
      ].join('\n'),
    );
    this.#handOver();
    const child = this.#start('sshd', ['-D', '-e', '-f', path.join(folder, 'sshd_config')]);
    await answering(child, port);
    const client = path.join(mkdtempSync(path.join(folder, 'client-')), 'key');
    cpSync(path.join(folder, 'user_key'), client);
    chownSync(client, userInfo().uid, userInfo().gid);
    const settings = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
      'BatchMode=yes',
    ];
    return {
      options: ['-F', 'none', '-p', String(port), '-i', client, ...settings.flatMap((setting) => ['-o', setting])],
      destination: `${isRoot ? 'nobody' : userInfo().username}@127.0.0.1`,
    };
  }

  /** Runs `ssh` until the services end; ready once `port` answers. */
  async ssh(args: readonly string[], port: number): Promise<void> {
    const child = new Child(program('ssh'), [...args, '-o', 'ExitOnForwardFailure=yes'], { env: this.#libraries });
    this.#children.push(child);
    await answering(child, port);
  }

  /** Runs a Jupyter server that asks for `token`, and serves `name` too. */
  async jupyter(port: number, token: string, name: string): Promise<void> {
    const executable = venvCommand('jupyter-server', 'jupyter');
    if (!existsSync(executable)) throw new Error('Jupyter is not installed: run npm test once, which installs it.');
    const options = [`ServerApp.port=${port}`, `IdentityProvider.token=${token}`, `ServerApp.local_hostnames=${name}`];
    const child = new Child(
      executable,
      [
        '--no-browser',
        '--ServerApp.ip=127.0.0.1',
        ...(isRoot ? ['--allow-root'] : []),
        ...options.map((o) => `--${o}`),
      ],
      {
        cwd: this.folder,
        // Nothing of the user's is read or written.
        env: Object.fromEntries(
          ['JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'JUPYTER_RUNTIME_DIR'].map((key) => [key, this.folder]),
        ),
      },
    );
    this.#children.push(child);
    await answering(child, port);
  }

  /** Where programs that were unpacked find what they are linked to. */
  get #libraries(): NodeJS.ProcessEnv {
    const lib = path.join(this.folder, 'debian', 'usr', 'lib');
    if (!existsSync(lib)) return {};
    return {
      LD_LIBRARY_PATH: readdirSync(lib)
        .map((folder) => path.join(lib, folder))
        .join(':'),
    };
  }

  #program(name: 'nginx' | 'sshd'): string {
    const found = program(name);
    return found.startsWith(UNPACKED) ? path.join(this.folder, 'debian', path.relative(UNPACKED, found)) : found;
  }

  #start(name: 'nginx' | 'sshd', args: readonly string[]): Child {
    const uid = isRoot ? { uid: NOBODY } : {};
    const child = new Child(this.#program(name), args, { cwd: this.folder, env: this.#libraries, ...uid });
    this.#children.push(child);
    return child;
  }

  #write(name: string, text: string): void {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(path.join(this.folder, name), `${text}\n`);
  }

  /** What lies in the folder belongs to who runs the servers. */
  #handOver(): void {
    if (!isRoot) return;
    for (const name of ['', ...readdirSync(this.folder)]) chownSync(path.join(this.folder, name), NOBODY, NOBODY);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function program(name: Parameters<typeof findProgram>[0]): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} was not found: run npm test once, which fetches or asks for it.`);
  return found;
}

/** Waits until something listens on a port of this machine; throws with its output when the process ends before. */
async function answering(child: Child, port: number): Promise<void> {
  const answer = await until(
    `port ${port} to answer`,
    () => (child.exited ? 'exited' : isOpen(port).then((open) => (open ? 'open' : ''))),
    { within: 60_000 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${child.output}`);
  });
  if (answer === 'exited') throw new Error(`It ended before port ${port} answered:\n${child.output}`);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => resolve(false));
  });
}
