import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ScriptedSource, tasksOf } from '../../src/server/scripted-source.fixture.ts';
import { rawRequest, Serving } from '../../src/server/serving.fixture.ts';
import { MAX_CLIENT_MESSAGE } from '../../src/wire/message.ts';
import { until } from '../support/until.ts';

interface Route {
  readonly method: string;
  readonly url: string;
}

/** Every route that a server registers, whoever adds it. */
const routes = vi.hoisted<Route[]>(() => []);
vi.mock('fastify', async (original) => {
  const fastify = await original<typeof import('fastify')>();
  return {
    ...fastify,
    default: (options: object): FastifyInstance => {
      const app = fastify.default(options);
      app.addHook('onRoute', ({ method, url }) => {
        for (const one of [method].flat()) routes.push({ method: one, url });
      });
      return app;
    },
  };
});

const TOKEN = 'correct-horse';
const CANARY = 'only the owner of this machine may read this';

/** One with a token, one without; the page's folder has a neighbour that nobody may read. */
let closed: Serving;
let open: Serving;
let folder: string;
let cookie: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'taskglass-attack-'));
  const pageDir = path.join(folder, 'page');
  mkdirSync(path.join(pageDir, 'assets'), { recursive: true });
  writeFileSync(path.join(pageDir, 'index.html'), '<!doctype html><script src="./assets/app-1a2b.js"></script>');
  writeFileSync(path.join(pageDir, 'assets', 'app-1a2b.js'), '// the page\n');
  writeFileSync(path.join(folder, 'secret.txt'), CANARY);
  open = await Serving.start({ pageDir });
  routes.length = 0;
  closed = await Serving.start({ pageDir, token: TOKEN, openExample: async () => {} });
  closed.source.finish(tasksOf('inc', 10));
  const login = await closed.fetch(`/status?token=${TOKEN}`, { headers: { accept: 'text/html' } });
  cookie = login.headers.get('set-cookie')!.split(';', 1)[0]!;
});
afterAll(async () => {
  await open?.[Symbol.asyncDispose]();
  await closed?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const SAFE = ['GET', 'HEAD', 'OPTIONS'];
/** An address that a route answers, its parameters filled in. */
const address = (url: string, value = 'x'): string => url.replace(/:\w+/g, value).replace('*', 'x');
const codeOf = (body: string): unknown => (body === '' ? null : (JSON.parse(body) as { code: unknown }).code);

/** Sends these bytes as they are and returns all that comes back. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.write(text);
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    answer += part;
  });
  await once(socket, 'close');
  return answer;
}
const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`;

describe('every route there is', () => {
  test('there are many, and the ones that change something are among them', () => {
    expect(routes.length).toBeGreaterThan(40);
    expect(routes).toContainEqual({ method: 'POST', url: '/api/v1/example' });
  });

  test('DNS rebinding: under a foreign name nothing is answered', async () => {
    for (const { method, url } of routes) {
      const headers = { host: `evil.example:${closed.port}`, cookie };
      const answer = await rawRequest(closed.port, address(url), { method, headers });
      expect(answer.status, `${method} ${url}`).toBe(403);
      if (method !== 'HEAD') expect(codeOf(answer.body), `${method} ${url}`).toBe('HOST_REFUSED');
    }
  });

  test('without the token nothing but the probe and the help is answered', async () => {
    for (const { method, url } of routes) {
      const { status } = await rawRequest(closed.port, address(url), { method });
      const unasked = /^\/(health|help)\b/.test(url);
      if (!unasked) expect(status, `${method} ${url}`).toBe(401);
    }
  });

  test('CSRF: what changes something is refused to pages of other sites, whatever they know', async () => {
    const unsafe = routes.filter(({ method }) => !SAFE.includes(method));
    for (const { method, url } of unsafe) {
      for (const foreign of [
        { origin: 'http://evil.example' },
        { origin: `http://localhost:${closed.port + 1}` },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ]) {
        const headers = { ...(foreign as Record<string, string>), cookie, 'content-type': 'text/plain' };
        const answer = await rawRequest(closed.port, `${address(url)}?token=${TOKEN}`, {
          method,
          headers,
          ...(method !== 'DELETE' && { body: '{}' }),
        });
        const what = `${method} ${url} ${JSON.stringify(foreign)}`;
        expect([answer.status, codeOf(answer.body)], what).toEqual([403, 'ORIGIN_REFUSED']);
      }
    }
    expect(unsafe.length).toBeGreaterThan(20);
    const own = await rawRequest(closed.port, '/api/v1/example', {
      method: 'POST',
      headers: { cookie, origin: `http://127.0.0.1:${closed.port}` },
    });
    expect(own.status, 'the page itself may').toBe(202);
  });

  test('no answer lets another site read it', async () => {
    for (const { method, url } of routes.filter(({ method }) => SAFE.includes(method))) {
      const headers = { cookie, origin: 'http://evil.example', 'access-control-request-method': 'POST' };
      const answer = await rawRequest(closed.port, address(url), { method, headers });
      const cors = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
      expect(cors, `${method} ${url}`).toEqual([]);
    }
  });

  test('path traversal: no parameter is a way to a file', async () => {
    const values = [
      '..',
      '../secret.txt',
      '../../secret.txt',
      '..\\secret.txt',
      '\0',
      '%2e%2e%2fsecret.txt',
      '/etc/passwd',
    ];
    for (const { method, url } of routes.filter(({ method, url }) => method === 'GET' && /[:*]/.test(url))) {
      for (const value of values) {
        const at = url.replace(/:\w+|\*/g, encodeURIComponent(value));
        const answer = await rawRequest(closed.port, at, { method, headers: { cookie } });
        expect(answer.status, at).toBeLessThan(500);
        expect(answer.body, at).not.toMatch(new RegExp(`${CANARY}|root:|node_modules`));
      }
    }
  });

  test('clickjacking: no answer may be shown in a frame, errors neither', async () => {
    for (const at of ['/status', '/nowhere', '/api/v1/cluster', '/api/v1/nowhere', '/health', '/metrics', '/%']) {
      for (const headers of [{ cookie }, { cookie, accept: 'text/html' }, { accept: 'text/html' }]) {
        const answer = await rawRequest(closed.port, at, { headers });
        expect(String(answer.headers['content-security-policy']), at).toContain("frame-ancestors 'none'");
        expect(answer.headers['x-frame-options'], at).toBe('DENY');
      }
    }
    await using framed = await Serving.start({ access: { frameAncestors: ['self', 'https://hub.example'] } });
    const { headers } = await framed.fetch('/status');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'self' https://hub.example");
    expect(headers.get('x-frame-options'), 'it cannot name sites').toBeNull();
  });
});

test('cross-site WebSocket: a page of another site is refused, with the cookie or the token too', async () => {
  const live = routes.filter(({ method, url }) => method === 'GET' && url.endsWith('/live')).map(({ url }) => url);
  expect(live).toContain('/api/v1/live');
  for (const url of live) {
    for (const origin of ['http://evil.example', 'null', `http://localhost:${closed.port + 1}`]) {
      const at = `${address(url)}?token=${TOKEN}`;
      await expect(closed.viewer({ path: at, headers: { origin, cookie } }), at).rejects.toThrow('403');
    }
  }
});

describe('path traversal, in every spelling', () => {
  const up = [
    '../',
    '%2e%2e/',
    '..%2f',
    '%2e%2e%2f',
    '..\\',
    '..%5c',
    '%252e%252e%252f',
    '..%c0%af',
    '....//',
    '.%00./',
  ];
  test.each(up.map((step) => [step]))('%s', async (step) => {
    for (const base of ['/', '/assets/', '/help/', '/api/v1/', '//', '/./']) {
      for (const rest of ['', '%00', '%00.js', '?', '#']) {
        const answer = await raw(open.port, get(`${base}${step}${step}secret.txt${rest}`));
        expect(answer).not.toContain(CANARY);
        expect(answer, base).toMatch(/^HTTP\/1\.1 (30[12]|40[0-4]) /);
      }
    }
  });
  test('addresses of other forms', async () => {
    const targets = [`file://${folder}/secret.txt`, `http://evil.example${folder}/secret.txt`, `${folder}/secret.txt`];
    for (const target of [...targets, `/${folder}/secret.txt`, '*', '\\secret.txt', '/\0/secret.txt']) {
      const answer = await raw(open.port, get(target));
      expect(answer, target).not.toContain(CANARY);
      expect(answer, target).not.toMatch(/^HTTP\/1\.1 [25]/);
    }
  });
});

describe('header injection', () => {
  test('redirects carry nothing that ends a line, and lead nowhere else', async () => {
    const evil = ['%0d%0aset-cookie:%20a=b', '%E5%98%8D%E5%98%8Aset-cookie:a=b', 'x%0aset-cookie:a=b'];
    const targets = evil.flatMap((bad) => [
      `/status?x=${bad}&token=${TOKEN}`,
      `/${bad}?token=${TOKEN}`,
      `/workers/${bad}/`,
    ]);
    for (const target of [
      ...targets,
      `//evil.example?token=${TOKEN}`,
      `/\\evil.example?token=${TOKEN}`,
      '//evil.example/..',
    ]) {
      const answer = await raw(closed.port, get(target, `Accept: text/html\r\nCookie: ${cookie}\r\n`));
      const head = answer.split('\r\n\r\n', 1)[0]!.toLowerCase();
      expect(head, target).not.toMatch(/^set-cookie: a=b/m);
      expect(/^location: (.*)$/m.exec(head)?.[1]?.trim() ?? './', target).toMatch(/^\.{1,2}\//);
    }
  });
  test('a raw line break in an address or a header is no request', async () => {
    for (const bad of [get('/status\rset-cookie:a=b'), get('/', 'X: a\rset-cookie: a=b\r\n'), get('/', 'X: a\0b\r\n')])
      expect(await raw(open.port, bad)).toMatch(/^(HTTP\/1\.1 400 |$)/);
  });
  test('two requests in one cannot be told apart differently by a proxy: both lengths are refused', async () => {
    const body =
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /status HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answer = await raw(open.port, `POST /api/v1/example HTTP/1.1\r\nHost: localhost\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
  test.each(['/a\r\nset-cookie: a=b', '/a\n', '/%0d%0a', '/a;b', '/\u2028'])(
    'the prefix %j is refused',
    async (prefix) => {
      await expect(Serving.start({ prefix })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    },
  );
  test('names from a cluster do not end a line of a header', async () => {
    await using hostile = await Serving.start({}, new ScriptedSource());
    hostile.source.finish(tasksOf('x\r\nset-cookie: a=b', 2));
    for (const { url } of routes.filter(({ method, url }) => method === 'GET' && !/\*|live$/.test(url))) {
      const answer = await rawRequest(hostile.port, address(url, encodeURIComponent('x\r\nset-cookie: a=b')));
      expect(answer.headers['set-cookie'], url).toBeUndefined();
    }
  });
});

describe('too much', () => {
  test('long addresses, many headers, large and endless bodies', async () => {
    expect(await raw(open.port, get(`/${'x'.repeat(20_000)}`))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(open.port, get('/health', `X: ${'x'.repeat(20_000)}\r\n`))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(open.port, get('/health', 'Name: value\r\n'.repeat(5_000)))).toMatch(/^HTTP\/1\.1 431 /);
    const post = 'POST /api/v1/example HTTP/1.1\r\nHost: localhost\r\n';
    expect(await raw(open.port, `${post}Connection: close\r\nContent-Length: 99999999999\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
    const endless = connect({ port: open.port, host: '127.0.0.1' });
    endless.on('error', () => {});
    endless.write(`${post}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    await until('an endless body is cut off', async () => {
      endless.write(chunk);
      await setImmediate();
      return endless.destroyed;
    });
    expect((await open.fetch('/health')).status).toBe(200);
  });

  test('WebSocket messages beyond the limit, in one or in pieces, end that socket alone', async () => {
    const bystander = await open.viewer();
    for (const pieces of [1, 64]) {
      const viewer = await open.viewer();
      const piece = 'x'.repeat(Math.ceil((MAX_CLIENT_MESSAGE + 1) / pieces));
      for (let i = 0; i < pieces; i++) viewer.socket.send(piece, { fin: i === pieces - 1 });
      await until('the socket is closed', () => viewer.closed);
      expect([1006, 1009]).toContain(viewer.closed?.code);
    }
    const binary = await open.viewer();
    binary.socket.send(Buffer.alloc(100));
    await until('a binary message ends it', () => binary.closed);
    expect(bystander.closed).toBeNull();
    bystander.close();
  });

  test('decompression bombs: nothing that comes is ever unpacked', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${open.port}/api/v1/live`, { perMessageDeflate: true });
    await once(socket, 'open');
    expect(socket.extensions).toBe('');
    socket.terminate();
    const zipped = 'Content-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08';
    expect(
      await raw(open.port, `POST /api/v1/example HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${zipped}`),
    ).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('slowloris: requests that do not come to an end are ended, those that say nothing too', async () => {
    await using slow = await Serving.start({ limits: { headersMs: 300, requestMs: 600, checkMs: 50 } });
    const sends: readonly string[] = [
      '',
      'GET / HT',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nX: ',
      'POST /api/v1/cluster HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nx',
    ];
    const sockets = sends.map((text) => {
      const socket = connect({ port: slow.port, host: '127.0.0.1' });
      socket.on('error', () => {}).resume();
      socket.write(text);
      return socket;
    });
    // One byte now and then keeps nothing alive.
    await until('all are ended', () => {
      sockets[2]!.write('x');
      return sockets.every((socket) => socket.destroyed);
    });
    expect((await slow.fetch('/health')).status).toBe(200);
  });

  test('a long answer that nobody reads keeps others from theirs for a while only', async () => {
    await using busy = await Serving.start({ limits: { longAnswers: 1, idleMs: 2_000 } });
    busy.source.finish(tasksOf('inc', 30_000));
    const long = '/api/v1/tasks?format=ndjson';
    const socket = connect({ port: busy.port, host: '127.0.0.1' });
    socket.on('error', () => {}).pause();
    socket.write(get(long));
    await until('it is busy', async () => {
      const answer = await busy.fetch(long);
      if (answer.status === 503) expect(answer.headers.get('retry-after')).toBe('10');
      return codeOf((await answer.text()).split('\n', 1)[0]!) === 'SERVER_BUSY';
    });
    expect((await busy.fetch('/health')).status).toBe(200);
    await until('the one that nobody reads is ended', async () => {
      const answer = await busy.fetch(long);
      await answer.text();
      return answer.status === 200;
    });
    socket.destroy();
  });

  test('a refused WebSocket does not keep its socket', async () => {
    const handshake =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n';
    const answer = await raw(closed.port, `GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n${handshake}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('sockets beyond the limit are closed as they come, and there is room again when others go', async () => {
    await using few = await Serving.start({ limits: { connections: 8 } });
    const sockets: Socket[] = [];
    for (let i = 0; i < 20; i++)
      sockets.push(
        connect({ port: few.port, host: '127.0.0.1' })
          .on('error', () => {})
          .resume(),
      );
    const isOpen = (socket: Socket): boolean => !socket.destroyed && !socket.readableEnded;
    await until('twelve are closed', () => sockets.filter(isOpen).length === 8);
    for (const socket of sockets) socket.destroy();
    await until('it answers', async () => (await few.fetch('/health')).status === 200);
  });

  test('pages beyond the limit are told so', async () => {
    await using few = await Serving.start({ limits: { viewers: 2 } });
    const viewers = [await few.viewer(), await few.viewer()];
    await expect(few.viewer()).rejects.toThrow('503');
    for (const viewer of viewers) viewer.close();
    await until('there is room again', async () => {
      (await few.viewer()).close();
      return true;
    });
  });
});
