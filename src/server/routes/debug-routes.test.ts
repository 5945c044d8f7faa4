import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ERRORS, TaskglassError } from '../../base/errors.ts';
import type { DebugIndex, DebugView } from '../../model/debug.ts';
import type { DebugAccess, DebugTarget } from '../../source/source.ts';
import { ScriptedSource, WORKER } from '../scripted-source.fixture.ts';
import { Serving } from '../serving.fixture.ts';

/** Says what it was asked. */
class ScriptedDebug implements DebugAccess {
  readonly asked: string[] = [];
  fail: TaskglassError | null = null;

  async index(target: DebugTarget): Promise<DebugIndex> {
    const address = this.#note(target, 'index');
    return {
      role: target.role,
      name: 'it',
      address,
      engine: 'dask',
      version: '2026.8.0',
      pid: 7,
      topics: [{ topic: 'logs', title: 'Logs' }],
    };
  }

  async view(target: DebugTarget, topic: string): Promise<DebugView> {
    this.#note(target, topic);
    if (topic !== 'logs') throw new TaskglassError('NOT_FOUND', 'no such topic');
    return {
      topic,
      title: 'Logs',
      time: 1_790_000_000,
      cost: 0.001,
      facts: [{ name: 'lines', unit: 'count', value: 1 }],
      tables: [{ title: 'Lines', columns: [{ name: 'message', unit: 'text' }], rows: [['<img>'], [null]], total: 9 }],
      series: [{ title: 'Rate', unit: 'rate', times: [1, 2], lines: [{ name: 'a', values: [null, 1] }] }],
      trees: [{ title: 'T', unit: 'seconds', root: { name: 'r', detail: '', value: 1, children: [] } }],
      notes: [],
    };
  }

  #note(target: DebugTarget, what: string): string {
    const who = target.role === 'worker' ? target.worker : 'scheduler';
    this.asked.push(`${who} ${what}`);
    if (this.fail !== null) throw this.fail;
    return who;
  }
}

const SLASHED = encodeURIComponent(WORKER);
let debug: ScriptedDebug;
let serving: Serving;
beforeAll(async () => {
  debug = new ScriptedDebug();
  const source = new ScriptedSource();
  source.debug = debug;
  serving = await Serving.start({ prefix: '/at/home' }, source);
});
afterAll(() => serving[Symbol.asyncDispose]());

describe('the debug pages of the main server', () => {
  const at = (path: string): string => `/at/home${path}`;

  test.each([
    ['/scheduler/debug', '../assets/'],
    ['/scheduler/debug/', '../../assets/'],
    ['/workers/worker-0/debug', '../../assets/'],
    ['/workers/worker-0/debug/', '../../../assets/'],
    [`/workers/${SLASHED}/debug`, '../../assets/'],
    ['/workers', './assets/'],
    ['/workers/', '../assets/'],
  ])('%s is the page, its files at %s', async (path, assets) => {
    const response = await serving.fetch(at(path));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await response.text()).toContain(`src="${assets}`);
  });

  test.each([
    ['/scheduler', '/scheduler/debug'],
    ['/scheduler/', '/scheduler/debug'],
    ['/workers/worker-0', '/workers/worker-0/debug'],
    ['/workers/worker-0/', '/workers/worker-0/debug'],
    ['/workers/10.0.0.1:4001', '/workers/10.0.0.1:4001/debug'],
    [`/workers/${SLASHED}`, `/workers/${SLASHED}/debug`],
  ])('%s leads to %s by a relative address', async (from, to) => {
    const response = await serving.fetch(at(from));
    expect(response.status).toBe(302);
    const location = response.headers.get('location')!;
    expect(location).toMatch(/^\.\//);
    expect(new URL(location, serving.url(at(from))).pathname).toBe(at(to));
  });

  test.each([
    ['/scheduler', 'scheduler'],
    ['/workers/worker-0', WORKER],
    ['/workers/10.0.0.1:4001', WORKER],
    [`/workers/${SLASHED}`, WORKER],
  ])('%s asks %s', async (base, who) => {
    debug.asked.length = 0;
    const index = (await serving.json(at(`${base}/api/v1/debug`))) as DebugIndex;
    expect(index).toMatchObject({ address: who, topics: [{ topic: 'logs' }] });
    const response = await serving.fetch(at(`${base}/api/v1/debug/logs`));
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ topic: 'logs', tables: [{ total: 9 }] });
    // Answers to another form of the same address come from the same reading.
    for (const asked of debug.asked) expect(asked.startsWith(who)).toBe(true);
  });

  test('answers are as the OpenAPI document says', async () => {
    const { paths } = (await serving.json(at('/api/v1/openapi.json'))) as {
      paths: Record<
        string,
        {
          servers?: { url: string }[];
          get: {
            responses: Record<string, { content: Record<string, { schema: Parameters<typeof z.fromJSONSchema>[0] }> }>;
          };
        }
      >;
    };
    const described = Object.entries(paths).filter(([path]) => path.includes('/debug'));
    expect(described.length).toBe(4);
    for (const [path, { servers, get }] of described) {
      const address = servers![0]!.url + path.replace('{name}', 'worker-0').replace('{topic}', 'logs');
      const answer = await serving.json(address);
      const result = z.fromJSONSchema(get.responses['200']!.content['application/json']!.schema).safeParse(answer);
      expect(result.error?.message, address).toBeUndefined();
    }
  });

  test.each<readonly [string, string, keyof typeof ERRORS]>([
    ['GET', '/workers/nobody/api/v1/debug', 'NOT_FOUND'],
    ['GET', '/workers/%3Cimg%20src%3Dx%3E/api/v1/debug/logs', 'NOT_FOUND'],
    ['GET', '/scheduler/api/v1/debug/nothing', 'NOT_FOUND'],
    ['GET', '/scheduler/api/v1/debug/..%2f..%2fetc', 'NOT_FOUND'],
    ['GET', '/scheduler/api/v1/debug?token2=1', 'QUERY_INVALID'],
    ['GET', `/workers/${'x'.repeat(2_000)}/api/v1/debug`, 'NOT_FOUND'],
    ['POST', '/scheduler/api/v1/debug', 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/workers/worker-0/debug', 'METHOD_NOT_ALLOWED'],
    ['GET', '/scheduler/nothing', 'NOT_FOUND'],
  ])('%s %s is a problem document: %s', async (method, path, code) => {
    const response = await serving.fetch(at(path), { method });
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ code, status: ERRORS[code].status });
  });

  test('a worker that nobody knows costs the cluster nothing', async () => {
    debug.asked.length = 0;
    await serving.fetch(at('/workers/nobody/api/v1/debug/logs'));
    await serving.fetch(at('/scheduler/api/v1/debug/Not-A-Topic'));
    expect(debug.asked).toEqual([]);
  });

  test.each(['DEBUG_TIMEOUT', 'DEBUG_UNAVAILABLE', 'PROTOCOL_ERROR', 'CONNECTION_REFUSED'] as const)(
    '%s of the source comes out as it is',
    async (code) => {
      debug.fail = new TaskglassError(code, 'in a test');
      // A topic of its own: earlier answers are still good for half a second.
      const response = await serving.fetch(at(`/scheduler/api/v1/debug/fails-${code.toLowerCase().replace('_', '-')}`));
      debug.fail = null;
      expect(response.status).toBe(ERRORS[code].status);
      expect(await response.json()).toMatchObject({ code, detail: 'in a test', advice: ERRORS[code].advice });
    },
  );
});

test('without a way to debug pages they say so', async () => {
  await using plain = await Serving.start();
  expect((await plain.fetch('/scheduler/debug')).status).toBe(200);
  const response = await plain.fetch('/scheduler/api/v1/debug');
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: 'DEBUG_UNAVAILABLE' });
});
