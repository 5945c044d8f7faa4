import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { venvCommand } from '../../scripts/lib/python.mjs';
import { buildWheel } from '../../scripts/lib/wheel.mjs';
import { Child } from '../support/child.ts';
import { adapted, documented } from '../support/documented.ts';
import { freePort } from '../support/ports.ts';
import { filesUnder, ROOT, readProjectFile } from '../support/project-files.ts';

/** What a user of Dask gets who installs the wheel: an environment that holds nothing else of this checkout. */
describe('the wheel', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'taskglass wheel-'));
  const inVenv = (command: string): string => path.join(folder, 'venv', 'bin', command);
  let wheel = '';
  let packed: string[] = [];

  beforeAll(async () => {
    wheel = await buildWheel(path.join(folder, 'wheel'));
    packed = (
      await output(venvCommand('python'), [
        '-c',
        'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep="\\n")',
        wheel,
      ])
    )
      .trim()
      .split('\n');
    await output(venvCommand('python'), ['-m', 'venv', '--without-pip', path.join(folder, 'venv')]);
    // Dask itself comes from where it is installed already; to pip that is as good as here.
    const site = (python: string) => output(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
    const dependencies = await site(venvCommand('python'));
    writeFileSync(path.join((await site(inVenv('python'))).trim(), 'dependencies.pth'), dependencies);
    const pip = ['-m', 'pip', '--python', inVenv('python'), 'install', '--quiet', '--no-index', wheel];
    await output(venvCommand('python'), pip);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A scheduler as people start it, but for ports that nobody else has. */
  function scheduler(env: NodeJS.ProcessEnv = {}, options: readonly string[] = []): Child {
    const ports = ['--host', '127.0.0.1', '--port', '0', '--dashboard-address', '127.0.0.1:0'];
    return inEnvironment('python', ['-m', 'dask', 'scheduler', ...ports, ...options], {
      DASK_TASKGLASS__PORT: '0',
      DASK_TASKGLASS__SCHEDULER_DEBUG_PORT: '0',
      ...env,
    });
  }

  /** Of all configuration only the environment's is read. */
  function inEnvironment(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    return new Child(inVenv(command), args, { cwd: folder, env: { HOME: folder, PYTHONUNBUFFERED: '1', ...env } });
  }

  async function taskglass(command: string): Promise<string> {
    const child = inEnvironment('taskglass', [command]);
    expect(await child.ended(), child.output).toBe(0);
    return child.output;
  }

  test('holds the package, the agent, the bundled server, its page and the file for Dask', () => {
    const python = ['taskglass', 'taskglass_agent'].flatMap((name) => filesUnder(`agent/src/${name}`));
    const web = ['server.mjs', 'licenses.md', 'page/index.html', 'page/help/troubleshooting.html'];
    expect(packed).toEqual(
      expect.arrayContaining([
        ...python.map((file) => file.replace('agent/src/', '')),
        ...web.map((file) => `taskglass/_web/${file}`),
      ]),
    );
    expect(packed.filter((file) => /\.data\/data\/etc\/dask\/taskglass\.yaml$/.test(file))).toHaveLength(1);
    expect(packed.filter((file) => /__pycache__|node_modules|\.tsx?$|\btests?\//.test(file))).toEqual([]);
    expect(path.basename(wheel)).toContain(
      `-${(JSON.parse(readProjectFile('package.json')) as { version: string }).version}-`,
    );
    expect(readProjectFile('agent/LICENSE')).toBe(readProjectFile('LICENSE'));
  });

  test('is not built without the web server, and says what to do', async () => {
    const copy = path.join(folder, 'unbuilt');
    mkdirSync(copy);
    cpSync(path.join(ROOT, 'agent'), path.join(copy, 'agent'), { recursive: true });
    cpSync(path.join(ROOT, 'package.json'), path.join(copy, 'package.json'));
    const build = new Child(venvCommand('python'), ['-m', 'hatchling', 'build', '--target', 'wheel'], {
      cwd: path.join(copy, 'agent'),
    });
    expect(await build.ended()).not.toBe(0);
    expect(build.output).toContain('The web server has not been built');
    expect(build.output).toContain('npm run build');
  });

  test('once installed, a scheduler starts the web interface by itself, on the port it was told', async () => {
    const [, command = ''] = documented('docs/troubleshooting.md', 'another-port', 'sh');
    const port = String(await freePort());
    const [setting = '', ...rest] = adapted(command, { '8000': port }).split(' ');
    expect(rest).toEqual(['dask', 'scheduler']);
    await using child = scheduler(Object.fromEntries([setting.split('=')]));
    const [, url = ''] = await child.printed(/Taskglass UI at:\s+(http:\S+)/);
    expect(url).toBe(`http://127.0.0.1:${port}/status`);
    expect(await (await fetch(url)).text()).toContain('<title>Taskglass');
    // It watches: the agent that it ships to the scheduler was found in the package too.
    await expect
      .poll(async () => await (await fetch(new URL('/health', url))).json(), { timeout: 30_000 })
      .toEqual({ status: 'ok', link: 'connected' });
    const help = await fetch(new URL('/help/troubleshooting.html', url));
    expect(help.headers.get('content-type')).toContain('text/html');
    expect(await help.text()).toContain('id="forwarding-a-port-over-ssh"');
  });

  test('the port may stand on the command line', async () => {
    const [, , command = ''] = documented('docs/troubleshooting.md', 'another-port', 'sh');
    const port = String(await freePort());
    const [dask, role, ...options] = adapted(command, { '8000': port }).split(' ');
    expect([dask, role]).toEqual(['dask', 'scheduler']);
    await using child = scheduler({}, options);
    await child.printed(new RegExp(`Taskglass UI at:\\s+http://127\\.0\\.0\\.1:${port}/status`));
  });

  test('taskglass disable and enable say what they did, and do it', async () => {
    expect(await taskglass('disable')).toMatch(/is off/);
    {
      await using child = scheduler();
      await child.printed(/Scheduler at:/);
      // Preloads are done before that line.
      expect(child.output).not.toContain('Taskglass UI at:');
      expect(child.output).not.toContain('Taskglass debug pages at:');
    }
    expect(await taskglass('enable')).toMatch(/is on/);
    await using child = scheduler();
    await child.printed(/Taskglass UI at:/);
  });

  test('a machine without Node has a scheduler all the same, and a line that says why there is no page', async () => {
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(inVenv('python'), path.join(bin, 'python'));
    await using child = scheduler({ PATH: bin });
    await child.printed(/Scheduler at:/);
    const [line] = await child.printed(/.*Taskglass UI is not started.*/);
    expect(line).toMatch(/Node 20\.19 or newer.*pip install 'taskglass\[node\]'/);
    expect(child.exited).toBe(false);
  });
});

/** What a command prints; throws when it fails. */
async function output(command: string, args: readonly string[]): Promise<string> {
  const child = new Child(command, args);
  if ((await child.ended()) !== 0) throw new Error(child.output);
  return child.output;
}
