import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TaskglassError } from '../base/errors.ts';
import type { DebugIndex, DebugView } from '../model/debug.ts';
import { DebugServer } from './debug-server.ts';
import { readPageFiles } from './page-files.ts';

const INDEX: DebugIndex = {
  role: 'worker',
  name: '0',
  address: 'tcp://127.0.0.1:1',
  engine: 'embedded',
  version: '1.0.0',
  pid: 1,
  topics: [{ topic: 'tasks', title: 'Tasks' }],
};
const VIEW: DebugView = {
  topic: 'tasks',
  title: 'Tasks',
  time: 1,
  cost: 0,
  facts: [{ name: 'nothing', unit: 'count', value: null }],
  tables: [],
  series: [],
  trees: [],
  notes: [],
};

describe('a debug server', () => {
  let folder: string;
  let open: DebugServer;
  let closed: DebugServer;
  let pageReads = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taskglass-page-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), '<script src="./assets/a-1.js"></script>');
    await writeFile(join(folder, 'assets', 'a-1.js'), 'let a;');
    const start = (token: string | null) =>
      DebugServer.start({
        host: '127.0.0.1',
        port: 0,
        token,
        allowHosts: [],
        pages: {
          index: () => INDEX,
          view: async (topic) => {
            if (topic === 'tasks') return VIEW;
            if (topic === 'bad') throw new Error('secret');
            throw new TaskglassError('NOT_FOUND', `no topic ${topic}`);
          },
        },
        page: () => {
          pageReads++;
          return readPageFiles(folder);
        },
      });
    [open, closed] = await Promise.all([start(null), start('sesame')]);
  });
  afterAll(async () => {
    open?.close();
    closed?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string, init: RequestInit = {}, server = open): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual', ...init });
  const problem = async (response: Response): Promise<unknown> => {
    const { code } = (await response.json()) as { code: string };
    return [response.status, code, response.headers.get('content-type')];
  };
  const PROBLEM = 'application/problem+json; charset=utf-8';

  it('leads from / to the page, and serves it in both forms of its address', async () => {
    expect(pageReads).toBe(0);
    const home = await ask('/');
    expect([home.status, home.headers.get('location')]).toEqual([302, 'debug']);
    expect(await (await ask('/debug')).text()).toContain('"./assets/a-1.js"');
    expect(await (await ask('/debug/')).text()).toContain('"../assets/a-1.js"');
    const script = await ask('/assets/a-1.js');
    expect([await script.text(), script.headers.get('cache-control')]).toEqual([
      'let a;',
      'public, max-age=31536000, immutable',
    ]);
    const etag = script.headers.get('etag') ?? '';
    expect((await ask('/assets/a-1.js', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(pageReads).toBe(1);
  });

  it('answers the index, a topic and the probe, each with the headers that keep it safe', async () => {
    expect(await (await ask('/api/v1/debug')).json()).toEqual(INDEX);
    expect(await (await ask('/api/v1/debug/tasks')).json()).toEqual(VIEW);
    const health = await ask('/health');
    expect(await health.json()).toEqual({ status: 'ok' });
    expect(health.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(health.headers.get('x-content-type-options')).toBe('nosniff');
    expect(health.headers.get('cache-control')).toBe('no-store');
  });

  it('answers HEAD as GET without the body', async () => {
    const head = await ask('/api/v1/debug/tasks', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBe(JSON.stringify(VIEW).length);
  });

  it('says in one form what is not there, not allowed, or failed', async () => {
    for (const path of ['/nothing', '/api/v1/debug/none', '/api/v1/debug/%ff', '/index.html', '/../package.json']) {
      expect(await problem(await ask(path)), path).toEqual([404, 'NOT_FOUND', PROBLEM]);
    }
    const post = await ask('/api/v1/debug', { method: 'POST', body: 'x' });
    expect(post.headers.get('allow')).toBe('GET, HEAD');
    expect(await problem(post)).toEqual([405, 'METHOD_NOT_ALLOWED', PROBLEM]);
    const bad = await ask('/api/v1/debug/bad');
    const text = await bad.text();
    expect([bad.status, text.includes('secret')]).toEqual([500, false]);
    const html = await ask('/nothing', { headers: { accept: 'text/html' } });
    expect([html.status, html.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(await html.text()).toContain('href="./debug"');
  });

  it('serves under names of its own only', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = { host: '127.0.0.1', port: open.port, path: '/api/v1/debug', headers: { host: 'evil.example' } };
      get(request, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    expect(status).toBe(403);
  });

  it('asks for its token, and takes it as a cookie, a query and a header', async () => {
    expect(await problem(await ask('/api/v1/debug', {}, closed))).toEqual([401, 'TOKEN_REQUIRED', PROBLEM]);
    expect((await ask('/health', {}, closed)).status).toBe(200);
    expect((await ask('/api/v1/debug', { headers: { authorization: 'Bearer sesame' } }, closed)).status).toBe(200);
    const login = await ask('/debug?token=sesame', { headers: { accept: 'text/html' } }, closed);
    expect([login.status, login.headers.get('location')]).toEqual([303, './debug']);
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await ask('/api/v1/debug', { headers: { cookie } }, closed)).status).toBe(200);
  });

  it('takes another port when its own is taken', async () => {
    const other = await DebugServer.start({
      host: '127.0.0.1',
      port: open.port,
      token: null,
      allowHosts: [],
      pages: { index: () => INDEX, view: async () => VIEW },
      page: () => readPageFiles(folder),
    });
    expect(other.port).not.toBe(open.port);
    other.close();
  });
});
