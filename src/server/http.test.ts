import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ERRORS } from '../base/errors.ts';
import { EPOCH, ScriptedSource, tasksOf, WORKER } from './scripted-source.fixture.ts';
import { rawRequest, Serving } from './serving.fixture.ts';

const EVIL = '<img src=x onerror=alert(1)>';

let serving: Serving;
beforeAll(async () => {
  serving = await Serving.start({ openExample: async () => {} });
  const { source } = serving;
  source.finish(tasksOf('inc', 100));
  source.finish([
    {
      key: `${EVIL}-1`,
      fn: EVIL,
      start: EPOCH + 2,
      stop: EPOCH + 3,
      error: { exception: `Error: ${EVIL}`, traceback: EVIL },
    },
    { key: 'add-1', fn: 'add', start: EPOCH + 3.2, stop: EPOCH + 4, from: 'tcp://10.0.0.1:4002' },
  ]);
  source.counts('inc', { memory: 60, released: 40 }, 1_680);
  source.counts(EVIL, { erred: 1 });
  source.tick(
    {
      running: {
        reset: false,
        started: [
          {
            key: 'long-1',
            fn: source.sink.intern('function', 'long'),
            worker: source.sink.intern('worker', WORKER),
            start: EPOCH + 5,
          },
        ],
        ended: [],
      },
      workers: { samples: [source.sample(WORKER)] },
    },
    EPOCH + 6,
  );
  source.emit({ kind: 'gap', since: EPOCH + 7, until: EPOCH + 8, size: null, reason: 'stalled' });
});
afterAll(() => serving[Symbol.asyncDispose]());

interface OpenApi {
  paths: Record<
    string,
    Record<
      string,
      { responses: Record<string, { content?: Record<string, { schema: Parameters<typeof z.fromJSONSchema>[0] }> }> }
    >
  >;
}

describe('the API and its OpenAPI document', () => {
  const live: Record<string, readonly string[]> = {
    '/cluster': [''],
    '/progress': [''],
    '/memory': [''],
    '/workers': [''],
    '/runs': [''],
    '/resources': ['', `?since=${EPOCH}`],
    '/tasks': [
      '',
      '?status=erred',
      '?status=processing',
      '?name=inc&limit=3',
      `?worker=worker-0&since=${EPOCH}&until=${EPOCH + 1}`,
      '?text=add',
      '?order=slowest&limit=3&name=inc',
      '?order=largest&limit=3',
      '?text=^add&regex=1&order=newest&name=add&name=inc&worker=worker-0&min_duration=0&max_duration=9',
    ],
    '/tasks/{record}': ['', '?dependents=1'],
    '/search': [
      '?q=inc',
      '?q=^i.c&regex=1&in=function&order=newest&marks=64',
      '?q=worker&count=0&limit=2&status=memory',
    ],
    '/area': [`?since=${EPOCH}&until=${EPOCH + 4.5}`, `?since=${EPOCH}&until=${EPOCH + 9}&worker=worker-0&tracks=0-3`],
    '/functions': ['', '?sort=p95&limit=1', `?tracks=0-3,9&since=${EPOCH}&until=${EPOCH + 4.5}`],
    '/tracks': ['', `?since=${EPOCH}&until=${EPOCH + 4.5}`],
    '/shares': ['', '?by=worker&bins=7', `?by=track&since=${EPOCH}&until=${EPOCH + 4.5}`],
  };

  test('every answer is as described', async () => {
    const { paths } = (await serving.json('/api/v1/openapi.json')) as OpenApi;
    // Those of the debug pages, of the server as a whole and of files have tests of their own: debug-routes, history, export.
    const own = Object.entries(paths).filter(([path]) => !/\/debug|^\/(recordings|clusters|export)\b/.test(path));
    for (const [path, operations] of own) {
      for (const [method, operation] of Object.entries(operations)) {
        const [status, described] = Object.entries(operation.responses)[0]!;
        const schema = z.fromJSONSchema(described.content!['application/json']!.schema);
        for (const query of live[path] ?? ['']) {
          const address = `/api/v1${path.replace('{record}', '0')}${query}`;
          const response = await serving.fetch(address, { method: method.toUpperCase() });
          expect(response.status, address).toBe(Number(status));
          const answer = await response.json();
          const result = schema.safeParse(answer);
          expect(result.error?.message, `${address} ${JSON.stringify(answer).slice(0, 500)}`).toBeUndefined();
          expect(answer.seq, address).toBeGreaterThan(0);
        }
      }
    }
    expect(own.map(([path]) => path).sort()).toEqual([...Object.keys(live), '/example'].sort());
  });

  test('refuses an answer that is not as described', async () => {
    const { paths } = (await serving.json('/api/v1/openapi.json')) as OpenApi;
    const schema = z.fromJSONSchema(paths['/cluster']!.get!.responses['200']!.content!['application/json']!.schema);
    const answer = (await serving.json('/api/v1/cluster')) as Record<string, unknown>;
    expect(schema.safeParse({ ...answer, workers: 'one' }).success).toBe(false);
    expect(schema.safeParse({ ...answer, surprise: 1 }).success).toBe(false);
  });

  test('describes the parameters with their types and limits', async () => {
    const document = JSON.stringify(await serving.json('/api/v1/openapi.json'));
    const { paths } = JSON.parse(document) as {
      paths: Record<string, { get: { parameters: { name: string; schema: object }[] } }>;
    };
    const parameters = Object.fromEntries(paths['/tasks']!.get.parameters.map((p) => [p.name, p.schema]));
    expect(parameters.limit).toMatchObject({ type: 'integer', minimum: 1 });
    expect(parameters.status).toMatchObject({ enum: ['memory', 'erred', 'lost', 'processing'] });
    expect(parameters.since).toMatchObject({ type: 'number' });
    expect(document).not.toContain('$schema');
  });

  test('a task of a day takes a day, to the second, wherever it is asked for', async () => {
    await using long = await Serving.start();
    const [since, until] = [EPOCH, EPOCH + 86_400];
    long.source.finish([{ key: 'day-1', fn: 'day', start: since, stop: until }]);
    const { tasks } = (await long.json('/api/v1/tasks')) as { tasks: { start: number; stop: number }[] };
    expect(tasks.map(({ start, stop }) => stop - start)).toEqual([86_400]);
    for (const bins of [1, 7, 100, 700, 4_096]) {
      const path = `/api/v1/shares?since=${since - 100}&until=${until + 100}&bins=${bins}`;
      const { groups } = (await long.json(path)) as { groups: { shares: { name: string; busy: number[] }[] }[] };
      const day = groups[0]!.shares.find(({ name }) => name === 'day')!;
      expect(day.busy.reduce((sum, s) => sum + s, 0)).toBeCloseTo(86_400, 3);
    }
    const half = (await long.json(`/api/v1/functions?since=${since + 43_200}&until=${until}`)) as {
      functions: { busy: number }[];
    };
    expect(JSON.stringify(half)).toContain('43200');
  });

  test('one state: counts, records and shares agree', async () => {
    const progress = (await serving.json('/api/v1/progress')) as {
      functions: { name: string; total: number; memory: number }[];
    };
    expect(progress.functions[0]).toMatchObject({ name: 'inc', total: 100, memory: 60, released: 40 });
    const tasks = (await serving.json('/api/v1/tasks')) as { total: number };
    expect(tasks.total).toBe(102);
    const shares = (await serving.json(`/api/v1/shares?since=${EPOCH}&until=${EPOCH + 4.5}`)) as {
      groups: { shares: { name: string; kind: string; busy: number[] }[] }[];
    };
    const busy = new Map(shares.groups[0]!.shares.map((row) => [row.name, row.busy.reduce((sum, s) => sum + s, 0)]));
    expect(busy.get('inc')).toBeCloseTo(1, 6);
    expect(busy.get('transfer')).toBeCloseTo(0.1, 6);
    expect(busy.get('erred')).toBeCloseTo(1, 6);
  });

  test('pages of tasks follow one another without hole or repetition', async () => {
    const keys: string[] = [];
    let after = '';
    for (;;) {
      const page = (await serving.json(`/api/v1/tasks?limit=7${after}`)) as {
        next: number | null;
        tasks: { key: string }[];
      };
      keys.push(...page.tasks.map((task) => task.key));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(keys.length).toBe(102);
    expect(new Set(keys).size).toBe(102);
  });

  test('ndjson gives every record, one a line', async () => {
    const response = await serving.fetch('/api/v1/tasks?format=ndjson&limit=50000');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(response.headers.get('taskglass-total')).toBe('102');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { record: number }).record)).toEqual(
      Array.from({ length: 102 }, (_, i) => i),
    );
    const five = await (await serving.fetch('/api/v1/tasks?format=ndjson&limit=5')).text();
    expect(five.split('\n').length).toBe(6);
    const head = await serving.fetch('/api/v1/tasks?format=ndjson', { method: 'HEAD' });
    expect(head.status).toBe(200);
  });

  test('ndjson runs over many pages', async () => {
    await using other = await Serving.start();
    other.source.finish(tasksOf('many', 3_500));
    const text = await (await other.fetch('/api/v1/tasks?format=ndjson')).text();
    const records = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { record: number }).record);
    expect(records).toEqual(Array.from({ length: 3_500 }, (_, i) => i));
  });

  test('hostile names come out as JSON text that no browser sniffs', async () => {
    const response = await serving.fetch('/api/v1/tasks?status=erred');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const { tasks } = (await response.json()) as { tasks: { name: string; exception: string }[] };
    expect(tasks[0]).toMatchObject({ name: EVIL, exception: `Error: ${EVIL}` });
    const missing = await serving.fetch(`/${encodeURIComponent(EVIL)}`, { headers: { accept: 'text/html' } });
    expect(await missing.text()).not.toContain('<img');
  });
});

test('says that no cluster was reached while there is none', async () => {
  await using waiting = await Serving.start({ wait: true }, new ScriptedSource(() => {}));
  const response = await waiting.fetch('/api/v1/cluster');
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'NO_CLUSTER' });
  expect(await waiting.json('/health')).toEqual({ status: 'ok', link: 'connecting' });
  for (const path of ['progress', 'memory', 'workers', 'runs', 'resources', 'tasks', 'shares']) {
    expect((await waiting.fetch(`/api/v1/${path}`)).status, path).toBe(200);
  }
  expect((await waiting.fetch('/metrics')).status).toBe(200);
});

describe('bad requests', () => {
  const cases: readonly (readonly [method: string, path: string, code: keyof typeof ERRORS, detail?: RegExp])[] = [
    ['GET', '/nowhere', 'NOT_FOUND'],
    ['GET', '/api/v1/nowhere', 'NOT_FOUND'],
    ['GET', '/api/v2/cluster', 'NOT_FOUND'],
    ['GET', '/statuses', 'NOT_FOUND'],
    ['GET', '/assets/../../package.json', 'NOT_FOUND'],
    ['GET', '/assets/%2e%2e/%2e%2e/package.json', 'NOT_FOUND'],
    ['GET', '/index.html', 'NOT_FOUND'],
    ['GET', '/%', 'QUERY_INVALID'],
    ['GET', '/api/v1/tasks/999999', 'NOT_FOUND'],
    ['GET', '/api/v1/tasks/-1', 'NOT_FOUND'],
    ['GET', '/api/v1/tasks/constructor', 'NOT_FOUND'],
    ['GET', '/api/v1/tasks?limit=0', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?limit=ten', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?limit=', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?limit=1e9', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?limit=1.5', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?limit=10001', 'QUERY_INVALID', /ndjson/],
    ['GET', '/api/v1/tasks?limit=1&limit=2', 'QUERY_INVALID', /^limit: /],
    ['GET', '/api/v1/tasks?since=Infinity', 'QUERY_INVALID', /^since: /],
    ['GET', '/api/v1/tasks?status=done', 'QUERY_INVALID', /memory.*erred.*lost.*processing/],
    ['GET', '/api/v1/tasks?format=xlsx', 'QUERY_INVALID', /json.*ndjson/],
    ['GET', '/api/v1/tasks?format=parquet&limit=3', 'QUERY_INVALID', /no limit/],
    ['GET', '/api/v1/export', 'QUERY_INVALID', /format/],
    ['GET', '/api/v1/export?format=csv&limit=3', 'QUERY_INVALID', /"limit" is not a parameter/],
    ['GET', '/api/v1/export?format=html', 'PAGE_NOT_BUILT', /page of reports/],
    ['GET', '/api/v1/search', 'QUERY_INVALID', /^q: /],
    ['GET', '/api/v1/search?q=', 'QUERY_INVALID', /^q: /],
    ['GET', '/api/v1/search?q=(&regex=1', 'QUERY_INVALID', /regular expression/],
    ['GET', '/api/v1/search?q=a&in=keys', 'QUERY_INVALID', /^in: /],
    ['GET', '/api/v1/tasks?text=(&regex=1', 'QUERY_INVALID', /regular expression/],
    ['GET', '/api/v1/tasks?order=slowest&after=3', 'QUERY_INVALID', /one page/],
    ['GET', '/api/v1/export?format=csv&text=(&regex=1', 'QUERY_INVALID', /regular expression/],
    ['GET', '/api/v1/export?format=csv&tracks=all', 'QUERY_INVALID', /^tracks: /],
    ['GET', '/api/v1/area', 'QUERY_INVALID', /^since: .*until: /],
    ['GET', `/api/v1/area?since=9&until=8`, 'QUERY_INVALID', /^until: /],
    ['GET', `/api/v1/area?since=8&until=9&text=(&regex=1`, 'QUERY_INVALID', /not a regular expression/],
    ['GET', `/api/v1/shares?since=8&until=9&text=(&regex=1`, 'QUERY_INVALID', /not a regular expression/],
    ['GET', `/api/v1/functions?since=8&until=9&text=(&regex=1`, 'QUERY_INVALID', /not a regular expression/],
    ['GET', `/api/v1/search?text=(&text_regex=1`, 'QUERY_INVALID', /not a regular expression/],
    ['GET', '/api/v1/tasks?nmae=inc', 'QUERY_INVALID', /"nmae" is not a parameter/],
    ['GET', '/api/v1/tasks?__proto__=1', 'QUERY_INVALID'],
    ['GET', '/api/v1/cluster?verbose=1', 'QUERY_INVALID', /"verbose"/],
    ['GET', '/api/v1/functions?sort=name', 'QUERY_INVALID', /^sort: /],
    ['GET', '/api/v1/functions?tracks=1-', 'QUERY_INVALID', /^tracks: /],
    ['GET', '/api/v1/shares?bins=5000', 'QUERY_INVALID', /^bins: /],
    ['GET', '/api/v1/shares?by=colour', 'QUERY_INVALID', /^by: /],
    ['GET', '/api/v1/shares?since=5&until=4', 'QUERY_INVALID', /^until: must lie after since/],
    ['GET', '/api/v1/shares?since=99999999999', 'QUERY_INVALID', /^until: /],
    ['GET', '/api/v1/resources?since=-1', 'QUERY_INVALID', /^since: /],
    ['POST', '/api/v1/cluster', 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/api/v1/tasks', 'METHOD_NOT_ALLOWED'],
    ['PUT', '/api/v1/tasks/0', 'METHOD_NOT_ALLOWED'],
    ['GET', '/api/v1/example', 'METHOD_NOT_ALLOWED'],
    ['POST', '/status', 'NOT_FOUND'],
    ['POST', '/metrics', 'METHOD_NOT_ALLOWED'],
    ['GET', '/api/v1/live', 'UPGRADE_REQUIRED'],
  ];
  test.each(cases.map(([method, path, code, detail]) => ({ method, path, code, detail })))(
    '$method $path → $code',
    async ({ method, path, code, detail }) => {
      const answer = await rawRequest(serving.port, path, { method, headers: { accept: 'application/json' } });
      expect(answer.status).toBe(ERRORS[code].status);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      const problem = JSON.parse(answer.body) as Record<string, unknown>;
      expect(problem).toMatchObject({ status: answer.status, code, title: ERRORS[code].title });
      if (detail !== undefined) expect(problem.detail).toMatch(detail);
      expect(answer.body).not.toMatch(/node_modules|\.[tj]s:\d/);
    },
  );

  test('a body is never read, and a large one is refused', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const small = await rawRequest(serving.port, '/api/v1/example', { method: 'POST', headers, body: '{"broken' });
    expect(small.status).toBe(202);
    const large = await rawRequest(serving.port, '/api/v1/example', {
      method: 'POST',
      headers,
      body: 'x'.repeat(100_000),
    });
    expect(large.status).toBe(413);
    expect(JSON.parse(large.body)).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  test('people get a page that leads on, under the same policy', async () => {
    const response = await serving.fetch('/stauts/', { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await response.text();
    expect(html).toContain('href="../status"');
    expect(html).toContain('There is nothing here');
    expect(html).not.toContain('<script');
  });
});

describe('security headers', () => {
  test.each(['/status', '/api/v1/cluster', '/nowhere', '/health', '/assets/app-1a2b.js'])('%s', async (path) => {
    const { headers } = await serving.fetch(path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('the page', () => {
  test.each(['/status', '/tasks', '/workers'])('%s, with and without a trailing slash', async (path) => {
    const plain = await serving.fetch(path);
    expect(plain.status).toBe(200);
    expect(plain.headers.get('cache-control')).toBe('no-cache');
    expect(await plain.text()).toContain('"./assets/');
    const slash = await serving.fetch(`${path}/`);
    expect(slash.status).toBe(200);
    expect(await slash.text()).toContain('"../assets/');
  });

  test('/ leads to /status', async () => {
    const response = await fetch(serving.url('/'));
    expect(response.url).toBe(serving.url('/status'));
    expect(response.status).toBe(200);
  });

  test('assets are compressed, immutable and revalidated', async () => {
    const { status, headers } = await rawRequest(serving.port, '/assets/app-1a2b.js', {
      headers: { 'accept-encoding': 'gzip, deflate' },
    });
    expect(status).toBe(200);
    expect(headers['content-encoding']).toBe('gzip');
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    const plain = await rawRequest(serving.port, '/assets/app-1a2b.js', { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const again = await rawRequest(serving.port, '/assets/app-1a2b.js', {
      headers: { 'if-none-match': String(headers.etag) },
    });
    expect(again.status).toBe(304);
    expect(again.body).toBe('');
    const raw = await fetch(serving.url('/assets/app-1a2b.js'), { headers: { 'accept-encoding': 'gzip' } });
    expect(await raw.text()).toBe(plain.body);
  });

  test('says so when it was not built', async () => {
    await using bare = await Serving.start({ pageDir: '/nonexistent-page' });
    const response = await bare.fetch('/status', { headers: { accept: 'text/html' } });
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('npm run build');
    expect((await bare.fetch('/api/v1/cluster')).status).toBe(200);
  });
});

describe('a prefix', () => {
  test('stands before everything', async () => {
    await using prefixed = await Serving.start({ prefix: 'user/me/' });
    expect(prefixed.server.url).toBe(`http://127.0.0.1:${prefixed.port}/user/me/status`);
    for (const path of ['/status', '/status/', '/api/v1/cluster', '/health', '/metrics', '/assets/app-1a2b.js']) {
      expect((await prefixed.fetch(`/user/me${path}`)).status, path).toBe(200);
      expect((await prefixed.fetch(path)).status, path).toBe(404);
    }
    for (const path of ['/', '/user/me', '/user/me/']) {
      expect((await fetch(prefixed.url(path))).url, path).toBe(prefixed.server.url);
    }
    const missing = await prefixed.fetch('/user/me/nowhere/else', { headers: { accept: 'text/html' } });
    expect(await missing.text()).toContain('href="../../../user/me/status"');
    const viewer = await prefixed.viewer({ path: '/user/me/api/v1/live' });
    viewer.close();
  });
  test.each(['/a"b', '/a b', '/../x', '/<x>', '/a?b'])('%s is refused', async (prefix) => {
    await expect(Serving.start({ prefix })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});

test('metrics name the cluster, the link, the viewers and the process', async () => {
  const response = await serving.fetch('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  expect(text).toContain('taskglass_tasks{state="memory"} 60');
  expect(text).toContain('taskglass_link{state="connected"} 1');
  expect(text).toContain('taskglass_link{state="lost"} 0');
  expect(text).toMatch(/^taskglass_workers 1$/m);
  expect(text).toMatch(/^taskglass_threads 2$/m);
  expect(text).toMatch(/^taskglass_records_total 102$/m);
  expect(text).toMatch(/^taskglass_agent_cpu_share 0.002$/m);
  expect(text).toMatch(/^process_cpu_seconds_total /m);
  expect(await (await serving.fetch('/metrics')).text()).toMatch(/^taskglass_records_total 102$/m);
});

test('the example runs once at a time, and only where there is one', async () => {
  let finish: () => void = () => {};
  let runs = 0;
  await using demo = await Serving.start({
    openExample: () => {
      runs++;
      return new Promise((done) => {
        finish = done;
      });
    },
  });
  const post = async () => (await demo.fetch('/api/v1/example', { method: 'POST' })).json();
  expect(await post()).toMatchObject({ started: true });
  expect(await post()).toMatchObject({ started: false });
  finish();
  await expect.poll(post).toMatchObject({ started: true });
  finish();
  expect(runs).toBe(2);
  await using plain = await Serving.start();
  expect((await plain.fetch('/api/v1/example', { method: 'POST' })).status).toBe(404);
});
