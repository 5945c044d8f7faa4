import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { Child } from '../support/child.ts';
import { freePort } from '../support/ports.ts';
import { filesUnder, ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';

const PROGRAM = `
import { Client, LocalCluster } from 'taskglass/engine';

const cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 2 });
const client = new Client(cluster);
const inc = (x) => x + 1;
const sum = (values) => values.reduce((a, b) => a + b, 0);
console.log('sum', await client.submit(sum, client.map(inc, Array(100).keys())).result());
await cluster.close();
`;

/** What a user gets who installs the package: the tarball, in an empty folder whose name holds a space. */
describe('the package', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'taskglass package-'));
  let tarball = '';
  let packed: string[] = [];

  beforeAll(async () => {
    await build();
    const pack = new Child('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
    expect(await pack.ended(), pack.output).toBe(0);
    packed = [...pack.output.matchAll(/"path": "([^"]+)"/g)].map(([, file = '']) => file);
    tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds the command, the page, the engine, the agent and the examples', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'dist/cli.js',
        'dist/page/index.html',
        'dist/engine/index.js',
        'dist/engine/index.d.ts',
        'examples/web-interface.mjs',
        'examples/web-interface.py',
        'README.md',
        'LICENSE',
      ]),
    );
    expect(packed).toEqual(expect.arrayContaining(filesUnder('agent/src')));
  });

  test('holds no sources of the server, tests or what tools leave behind', () => {
    const needless = /^(src|test|scripts)\/|\.test\.|conformance|(?<!\.d)\.tsx?$|__pycache__|\.pyc$/;
    expect(packed.filter((file) => needless.test(file))).toEqual([]);
  });

  test('runs from an empty folder with npx', async () => {
    const port = String(await freePort());
    const command = ['--yes', `./${tarball}`, 'demo', '--port', port, '--no-browser'];
    await using taskglass = await Taskglass.serving(new Child('npx', command, { cwd: folder }), 170_000);
    expect(taskglass.origin).toBe(`http://127.0.0.1:${port}`);
    const cluster = await taskglass.api('cluster');
    expect(cluster).toMatchObject({ engine: 'embedded', link: 'connected' });
    const page = await fetch(taskglass.url('/status'));
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<title>Taskglass');
  });

  test('its engine runs tasks of a program that installed it', async () => {
    const install = new Child('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder });
    expect(await install.ended(), install.output).toBe(0);
    writeFileSync(path.join(folder, 'program.mjs'), PROGRAM);
    const program = new Child(process.execPath, ['program.mjs'], { cwd: folder });
    expect(await program.ended(), program.output).toBe(0);
    expect(program.output).toContain('sum 5050');
    expect(program.output).toMatch(/^Taskglass UI at: http:\/\/127\.0\.0\.1:\d+\/status$/m);
  });
});
