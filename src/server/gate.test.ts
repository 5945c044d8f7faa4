import { describe, expect, test } from 'vitest';
import { TrustedProxies } from '../serving/access.ts';
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
    expect(cookie).toMatch(/^taskglass-8787=[\w-]{12}\.[\w-]{43}; Path=\/me; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN);
    const pair = cookie.split(';', 1)[0]!;
    const session = /=([^.]+)/.exec(pair)?.[1];
    expect(asking.admit(knock({ cookie: `other=1; ${pair}` }))).toEqual({
      setCookie: null,
      who: { via: 'cookie', user: null, session, address: '127.0.0.1' },
    });
    for (const forged of [
      // Another first letter, whichever it is.
      pair.replace(/=./, (begin) => (begin === '=_' ? '=A' : '=_')),
      `${pair}x`,
      pair.slice(0, -1),
      'taskglass-8787=.',
      'taskglass-8787',
    ])
      expect(answer(asking, knock({ cookie: forged })), forged).toBe('TOKEN_REQUIRED');
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

  test('one that nobody guesses passes whatever others at its address guess; they stay limited', () => {
    const strong = '0123456789abcdef0123456789abcdef';
    const asking = gate({ token: strong, limits: { failures: 2, windowMs: 1_000 } });
    const wrong = knock({}, { token: 'wrong' });
    expect([1, 2, 3].map((at) => answer(asking, wrong, at))).toEqual([
      'TOKEN_REQUIRED',
      'TOKEN_REQUIRED',
      'RATE_LIMITED',
    ]);
    expect(answer(asking, knock({ authorization: `Bearer ${strong}` }), 4)).toBe('ok');
    expect(answer(asking, wrong, 5)).toBe('RATE_LIMITED');
    const long = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const weak = gate({ token: long, limits: { failures: 0 } });
    answer(weak, wrong, 0);
    expect(answer(weak, knock({}, { token: long }), 1), 'length alone is not enough').toBe('RATE_LIMITED');
  });
});

test('an IPv6 network is one guesser', () => {
  const asking = gate({ token: TOKEN, limits: { failures: 2 } });
  const from = (ip: string) => answer(asking, knock({}, { token: 'wrong', ip }));
  expect([from('2001:db8::1'), from('2001:db8:0:0:ffff::2')]).toEqual(['TOKEN_REQUIRED', 'TOKEN_REQUIRED']);
  expect(from('2001:db8:0:0:1:2:3:4')).toBe('RATE_LIMITED');
  expect(from('2001:db8:0:1::1')).toBe('TOKEN_REQUIRED');
});

describe('a proxy that logs people in', () => {
  const NAME = 'x-forwarded-user';
  test.each([
    ['127.0.0.1', [], 'ok'],
    ['::1', [], 'ok'],
    ['::ffff:127.0.0.1', [], 'ok'],
    ['10.0.0.7', [], 'LOGIN_REQUIRED'],
    ['10.0.0.7', ['10.0.0.0/24'], 'ok'],
    ['::ffff:10.0.0.7', ['10.0.0.7'], 'ok'],
    ['fd00::5', ['fd00::/64'], 'ok'],
    ['fd01::5', ['fd00::/64'], 'LOGIN_REQUIRED'],
    ['127.0.0.1', ['10.0.0.7'], 'LOGIN_REQUIRED'],
    ['', [], 'LOGIN_REQUIRED'],
  ])('%s, where %o are trusted: %s', (ip, named, expected) => {
    const behind = gate({ authHeader: NAME, proxies: new TrustedProxies(named) });
    expect(answer(behind, knock({ [NAME]: 'ada' }, { ip }))).toBe(expected);
    expect(answer(behind, knock({}, { ip })), 'who says nothing is nobody').toBe('LOGIN_REQUIRED');
  });

  test('its word is one plain name', () => {
    const behind = gate({ authHeader: NAME });
    expect(behind.admit(knock({ [NAME]: 'ada@example.org' })).who).toMatchObject({
      via: 'header',
      user: 'ada@example.org',
    });
    // A header that came twice is joined by Node: the first part is then the browser's.
    for (const name of ['root, ada', 'a\u0007b', '', 'x'.repeat(257)])
      expect(answer(behind, knock({ [NAME]: name })), name).toBe('LOGIN_REQUIRED');
  });

  test('stands beside the token, and cannot be spoken for by others', () => {
    const both = gate({ authHeader: NAME, token: TOKEN, proxies: new TrustedProxies(['10.0.0.7']) });
    expect(answer(both, knock({ [NAME]: 'ada' }))).toBe('TOKEN_REQUIRED');
    expect(answer(both, knock({ [NAME]: 'ada' }, { token: TOKEN }))).toBe('ok');
    expect(answer(both, knock({ [NAME]: 'ada' }, { ip: '10.0.0.7' }))).toBe('ok');
    expect(
      answer(both, knock({ [NAME]: 'ada', origin: 'http://evil.example' }, { ip: '10.0.0.7', upgrade: true })),
    ).toBe('ORIGIN_REFUSED');
  });

  test('guesses count for the client that a named proxy saw, and never for one that the client names', () => {
    const named = gate({ token: TOKEN, proxies: new TrustedProxies(['127.0.0.1']), limits: { failures: 1 } });
    const from = (forwarded: string, of = named) =>
      answer(of, knock({ 'x-forwarded-for': forwarded }, { token: 'wrong' }));
    expect(from('10.0.0.1')).toBe('TOKEN_REQUIRED');
    expect(from('1.2.3.4, 10.0.0.1')).toBe('RATE_LIMITED');
    expect(from('10.0.0.2')).toBe('TOKEN_REQUIRED');
    const direct = gate({ token: TOKEN, limits: { failures: 1 } });
    expect(from('10.0.0.1', direct)).toBe('TOKEN_REQUIRED');
    expect(from('10.0.0.2', direct)).toBe('RATE_LIMITED');
  });
});

describe('over HTTPS', () => {
  test('the cookie is for HTTPS alone, and a page of the same name in plain text is another site', () => {
    const asking = gate({ token: TOKEN, https: true });
    expect(asking.admit(knock({}, { token: TOKEN })).setCookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const from = (origin: string, host = 'localhost:8787') =>
      answer(asking, knock({ ...headers, origin, host }, { upgrade: true }));
    expect(from('https://localhost:8787')).toBe('ok');
    expect(from('https://localhost', 'localhost:443')).toBe('ok');
    expect(from('http://localhost:8787')).toBe('ORIGIN_REFUSED');
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

  test('pages of other sites make it work for none of them; a link to it may be followed', async () => {
    await using serving = await Serving.start({ prefix: '/me' });
    const status = async (path: string, headers: Record<string, string>) =>
      (await rawRequest(serving.port, path, { headers })).status;
    const load = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    for (const path of ['/me/api/v1/tasks', '/me/api/v1/export', '/me/metrics', '/me/recordings/x/api/v1/tasks']) {
      expect(await status(path, load), path).toBe(403);
    }
    expect(await status('/me/api/v1/tasks', { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status('/me/api/v1/tasks', { ...load, 'sec-fetch-mode': 'navigate' })).toBe(200);
    expect(await status('/me/api/v1/tasks', { ...load, 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await status('/me/status', load)).toBe(200);
    expect(await status('/me/api/v1/tasks', {})).toBe(200);
  });

  test('guesses are limited', async () => {
    await using serving = await Serving.start({ token: TOKEN, limits: { failures: 2 } });
    const guess = async () => (await serving.fetch('/api/v1/cluster?token=wrong')).status;
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    const limited = await serving.fetch('/api/v1/cluster?token=wrong');
    expect(limited.headers.get('retry-after')).toBe('60');
  });
});
