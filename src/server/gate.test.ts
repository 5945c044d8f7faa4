import { describe, expect, test } from 'vitest';
import { Gate, type GateOptions, isLoopback, type Knock } from '../serving/gate.ts';
import { rawRequest, Serving } from './serving.fixture.ts';

const TOKEN = 'correct-horse';

function gate(options: Partial<GateOptions> = {}): Gate {
  return new Gate({ host: '127.0.0.1', allowHosts: [], token: null, ...options });
}

function knock(headers: Knock['headers'], rest: Partial<Knock> = {}): Knock {
  return {
    method: 'GET',
    headers: { host: 'localhost:8787', ...headers },
    token: undefined,
    ip: '127.0.0.1',
    upgrade: false,
    open: false,
    ...rest,
  };
}

/** What a gate says: `ok`, or the code of its refusal. */
function answer(of: Gate, request: Knock, now?: number): string {
  try {
    of.admit(request, now);
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the Host header', () => {
  test.each([
    ['localhost', 'ok'],
    ['localhost:8787', 'ok'],
    ['LOCALHOST.:8787', 'ok'],
    ['127.0.0.1:1', 'ok'],
    ['127.8.9.1', 'ok'],
    ['[::1]:8787', 'ok'],
    ['evil.example', 'HOST_REFUSED'],
    ['localhost.evil.example', 'HOST_REFUSED'],
    ['127.0.0.1.evil.example:8787', 'HOST_REFUSED'],
    ['10.0.0.1', 'HOST_REFUSED'],
    ['0.0.0.0', 'HOST_REFUSED'],
    ['', 'HOST_REFUSED'],
    ['a@localhost', 'HOST_REFUSED'],
    ['localhost/x', 'HOST_REFUSED'],
    [undefined, 'HOST_REFUSED'],
  ])('%s: %s on loopback', (host, expected) => {
    expect(answer(gate(), knock({ host }))).toBe(expected);
  });

  test('allowed names, and names below an allowed domain', () => {
    const allowing = gate({ allowHosts: ['Hub.Example', '.lab.example'] });
    expect(answer(allowing, knock({ host: 'hub.example' }))).toBe('ok');
    expect(answer(allowing, knock({ host: 'a.b.lab.example:80' }))).toBe('ok');
    expect(answer(allowing, knock({ host: 'x.hub.example' }))).toBe('HOST_REFUSED');
    expect(answer(allowing, knock({ host: 'evillab.example' }))).toBe('HOST_REFUSED');
  });

  test('bound to all addresses, any address will do but no foreign name', () => {
    const open = gate({ host: '0.0.0.0', token: TOKEN });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect(answer(open, knock({ ...headers, host: '10.1.2.3:8787' }))).toBe('ok');
    expect(answer(open, knock({ ...headers, host: '[fe80::1]' }))).toBe('ok');
    expect(answer(open, knock({ ...headers, host: 'evil.example' }))).toBe('HOST_REFUSED');
  });

  test('the bound name is served', () => {
    expect(answer(gate({ host: 'node7' }), knock({ host: 'node7:8787' }))).toBe('ok');
  });
});

describe('the Origin header', () => {
  const post = { method: 'POST' };
  const socket = { upgrade: true };
  test.each([
    [{}, 'ok'],
    [{ origin: 'http://localhost:8787' }, 'ok'],
    [{ origin: 'http://localhost:9999' }, 'ORIGIN_REFUSED'],
    [{ origin: 'http://evil.example' }, 'ORIGIN_REFUSED'],
    [{ origin: 'http://localhost:8787.evil.example' }, 'ORIGIN_REFUSED'],
    [{ origin: 'null' }, 'ORIGIN_REFUSED'],
    [{ origin: 'file://' }, 'ORIGIN_REFUSED'],
    [{ origin: 'chrome-extension://localhost:8787' }, 'ORIGIN_REFUSED'],
    [{ 'sec-fetch-site': 'cross-site' }, 'ORIGIN_REFUSED'],
    [{ 'sec-fetch-site': 'same-site' }, 'ORIGIN_REFUSED'],
    [{ 'sec-fetch-site': 'same-origin' }, 'ok'],
  ])('%o: %s', (headers, expected) => {
    expect(answer(gate(), knock(headers, post))).toBe(expected);
    expect(answer(gate(), knock(headers, socket))).toBe(expected);
    expect(answer(gate(), knock(headers)), 'reading needs no origin: other sites cannot see the answer').toBe('ok');
  });

  test('behind a proxy that rewrites Host, the allowed name is ours', () => {
    const allowing = gate({ allowHosts: ['hub.example'] });
    expect(answer(allowing, knock({ origin: 'https://hub.example' }, socket))).toBe('ok');
  });
});

describe('the token', () => {
  test('is taken from the query or as a bearer, and nothing else', () => {
    const asking = gate({ token: TOKEN });
    expect(answer(asking, knock({}))).toBe('TOKEN_REQUIRED');
    expect(answer(asking, knock({}, { token: TOKEN }))).toBe('ok');
    expect(answer(asking, knock({ authorization: `Bearer ${TOKEN}` }))).toBe('ok');
    expect(answer(asking, knock({ authorization: `Basic ${TOKEN}` }))).toBe('TOKEN_REQUIRED');
    expect(answer(asking, knock({}, { token: `${TOKEN}x` }))).toBe('TOKEN_REQUIRED');
    expect(answer(asking, knock({}, { token: '' }))).toBe('TOKEN_REQUIRED');
    expect(answer(asking, knock({}, { open: true }))).toBe('ok');
  });

  test('gives a cookie that stands for it in this process only', () => {
    const asking = gate({ token: TOKEN });
    asking.bind(8787, '/me');
    const cookie = asking.admit(knock({}, { token: TOKEN })).setCookie ?? '';
    expect(cookie).toMatch(/^taskglass-8787=[\w-]{43}; Path=\/me; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN);
    const pair = cookie.split(';', 1)[0]!;
    expect(asking.admit(knock({ cookie: `other=1; ${pair}` }))).toEqual({ setCookie: null });
    const again = gate({ token: TOKEN });
    again.bind(8787, '/me');
    expect(answer(again, knock({ cookie: pair }))).toBe('TOKEN_REQUIRED');
  });

  test('can be guessed a few times only, by the right guess too, until the time is over', () => {
    const asking = gate({ token: TOKEN, limits: { failures: 3, windowMs: 1_000 } });
    for (let i = 0; i < 3; i++) expect(answer(asking, knock({}, { token: 'wrong' }), 0)).toBe('TOKEN_REQUIRED');
    expect(answer(asking, knock({}, { token: 'wrong' }), 500)).toBe('RATE_LIMITED');
    expect(answer(asking, knock({}, { token: TOKEN }), 999)).toBe('RATE_LIMITED');
    expect(answer(asking, knock({}, { token: TOKEN, ip: '10.0.0.9' }), 999)).toBe('ok');
    expect(answer(asking, knock({}, { token: TOKEN }), 1_000)).toBe('ok');
    expect(answer(asking, knock({}), 0), 'no token is no guess').toBe('TOKEN_REQUIRED');
  });
});

test.each([
  ['localhost', true],
  ['127.0.0.5', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['', false],
  ['10.0.0.1', false],
])('isLoopback(%s) = %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe('the gate stands before everything', () => {
  const paths = [
    '/status',
    '/api/v1/cluster',
    '/api/v1/openapi.json',
    '/metrics',
    '/health',
    '/assets/app-1a2b.js',
    '/nowhere',
    '/',
  ];
  test('a foreign Host is refused everywhere', async () => {
    await using serving = await Serving.start();
    for (const path of paths) {
      const refused = await rawRequest(serving.port, path, { headers: { host: 'evil.example' } });
      expect(refused.status, path).toBe(403);
      expect(JSON.parse(refused.body), path).toMatchObject({ code: 'HOST_REFUSED' });
    }
    await expect(serving.viewer({ headers: { host: 'evil.example' } })).rejects.toThrow('403');
    await expect(serving.viewer({ headers: { origin: 'http://evil.example' } })).rejects.toThrow('403');
    const foreign = await rawRequest(serving.port, '/api/v1/example', {
      method: 'POST',
      headers: { origin: 'http://evil.example' },
    });
    expect(JSON.parse(foreign.body)).toMatchObject({ code: 'ORIGIN_REFUSED' });
    (await serving.viewer({ headers: { origin: serving.url('') } })).close();
  });

  test('without the token only /health answers', async () => {
    await using serving = await Serving.start({ token: TOKEN });
    for (const path of paths) {
      expect((await serving.fetch(path)).status, path).toBe(path === '/health' ? 200 : 401);
    }
    await expect(serving.viewer()).rejects.toThrow('401');
    const page = await serving.fetch('/status', { headers: { accept: 'text/html' } });
    expect(page.headers.get('www-authenticate')).toBe('Bearer');
    expect(await page.text()).toContain('type="password"');
  });

  test('a login by address ends on the page, without the token in the address', async () => {
    await using serving = await Serving.start({ token: TOKEN });
    expect(serving.server.url).toBe(serving.url(`/status?token=${TOKEN}`));
    const headers = { accept: 'text/html' };
    const login = await fetch(`${serving.server.url}&theme=dark`, { redirect: 'manual', headers });
    expect(login.status).toBe(303);
    expect(login.headers.get('location')).toBe('./status?theme=dark');
    const cookie = login.headers.get('set-cookie')!.split(';', 1)[0]!;
    expect((await serving.fetch('/status', { headers: { cookie } })).status).toBe(200);
    expect((await serving.fetch('/api/v1/cluster', { headers: { cookie } })).status).toBe(200);
    (await serving.viewer({ headers: { cookie, origin: serving.url('') } })).close();
    const slash = await serving.fetch(`/status/?token=${TOKEN}`, { headers });
    expect(new URL(slash.headers.get('location')!, serving.url('/status/')).pathname).toBe('/status/');
    const across = await serving.fetch(`/status?token=${TOKEN}`, {
      headers: { ...headers, 'sec-fetch-site': 'cross-site' },
    });
    expect(across.status).toBe(200);
    expect(await across.text()).toContain('content="0; url=./status"');
  });

  test('programs give it as a bearer or in the query', async () => {
    await using serving = await Serving.start({ token: TOKEN });
    expect((await serving.fetch('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect((await serving.fetch(`/api/v1/tasks?limit=1&token=${TOKEN}`)).status).toBe(200);
    (await serving.viewer({ path: `/api/v1/live?token=${TOKEN}` })).close();
    (await serving.viewer({ headers: { authorization: `Bearer ${TOKEN}` } })).close();
  });

  test('guesses are limited', async () => {
    await using serving = await Serving.start({ token: TOKEN, limits: { failures: 2 } });
    const guess = async () => (await serving.fetch('/api/v1/cluster?token=wrong')).status;
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    const limited = await serving.fetch('/api/v1/cluster?token=wrong');
    expect(limited.headers.get('retry-after')).toBe('60');
  });
});
