import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { Child } from '../support/child.ts';
import { freePort } from '../support/ports.ts';
import { ROOT } from '../support/project-files.ts';
import { gone, read } from './preloaded.ts';

// The bundled server without Python around it.

const SERVER = path.join(ROOT, 'dist', 'web', 'server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-child-'));
beforeAll(() => build());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One line of configuration. There is no scheduler at this address, which is no reason not to serve. */
async function config(more: Record<string, unknown> = {}): Promise<string> {
  return `${JSON.stringify({ address: `tcp://127.0.0.1:${await freePort()}`, host: '127.0.0.1', port: 0, ...more })}\n`;
}

const READY = /^\{"ready":true,"port":(\d+)\}$/m;

test('serves at once, says so on one line, and ends when its standard input does', async () => {
  await using child = new Child(process.execPath, [SERVER]);
  child.write(await config({ prefix: '/some/where', token: 'secret' }));
  const [, port] = await child.printed(READY);
  const api = `http://127.0.0.1:${port}/some/where/api/v1/cluster`;
  expect((await fetch(api)).status).toBe(401);
  expect((await fetch(api, { headers: { authorization: 'Bearer secret' } })).status).toBe(503);
  expect(JSON.parse(await read(`http://127.0.0.1:${port}/some/where/health`))).toMatchObject({ link: 'connecting' });
  child.endInput();
  expect(await child.ended()).toBe(0);
  expect(child.output.trim()).toMatch(READY);
});

test('ends when the process that started it has gone, though another one holds its standard input open', async () => {
  const line = path.join(folder, 'config.json');
  writeFileSync(line, await config());
  const script = `(cat '${line}'; exec sleep 600) | '${process.execPath}' '${SERVER}' & echo "node $!"; wait`;
  await using child = new Child('sh', ['-c', script]);
  const [, pid] = await child.printed(/^node (\d+)$/m);
  await child.printed(READY);
  child.signal('SIGKILL');
  await gone(Number(pid));
});

test.each([
  ['no JSON', 'hello\n'],
  ['an unknown option', '{"address":"tcp://127.0.0.1:1","host":"127.0.0.1","port":0,"colour":"red"}\n'],
  ['an address that is none', '{"address":"nowhere","host":"127.0.0.1","port":0}\n'],
  ['a descriptor that is no socket', '{"address":"tcp://127.0.0.1:1","host":"127.0.0.1","fd":99}\n'],
])('%s ends it with a line for the log', async (_what, line) => {
  await using child = new Child(process.execPath, [SERVER]);
  child.write(line);
  expect(await child.ended()).toBe(1);
  expect(JSON.parse(child.output.trim())).toMatchObject({
    level: 60,
    code: expect.any(String),
    msg: expect.any(String),
  });
});
