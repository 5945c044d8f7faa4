import { describe, expect, it } from 'vitest';
import type { DebugIndex } from '../../model/debug.ts';
import { Feed, type FeedHost, type FeedLine, type TopicState } from './feed.ts';

const INDEX: DebugIndex = {
  role: 'worker',
  name: 'w',
  address: 'tcp://10.0.0.1:4001',
  engine: 'dask',
  version: '1',
  pid: 1,
  topics: [
    { topic: 'tasks', title: 'Tasks' },
    { topic: 'logs', title: 'Logs' },
  ],
};
const view = (topic: string, cost = 0.002) => ({
  topic,
  title: topic,
  time: 1,
  cost,
  facts: [],
  tables: [],
  series: [],
  trees: [],
  notes: [],
});
const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ code, title: `It is ${code}`, detail: 'd', advice: 'a' }), { status });

/** A browser with a clock of the test's own; answers come from `serve`. */
class Bench implements FeedHost {
  time = 0;
  timers: { at: number; run: () => void }[] = [];
  readonly asked: string[] = [];
  index: DebugIndex | null = null;
  line: FeedLine | null = null;
  readonly topics = new Map<string, TopicState>();
  serve: (path: string) => Response | Promise<Response> = (path) =>
    Response.json(path === 'api/v1/debug' ? INDEX : view(path.split('/').at(-1)!));
  readonly feed = new Feed(this, {
    index: (index) => {
      this.index = index;
    },
    line: (line) => {
      this.line = line;
    },
    topic: (topic, state) => {
      this.topics.set(topic, state);
    },
  });

  async fetch(path: string, signal: AbortSignal): Promise<Response> {
    this.asked.push(path);
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      Promise.resolve()
        .then(() => this.serve(path))
        .then(resolve, reject);
    });
  }
  now(): number {
    return this.time;
  }
  after(ms: number, run: () => void): { cancel(): void } {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((one) => one !== timer);
      },
    };
  }

  /** Lets time pass. Returns what was asked meanwhile, without `api/v1/debug`. */
  async pass(ms: number): Promise<string[]> {
    const from = this.asked.length;
    const until = this.time + ms;
    await settle();
    for (;;) {
      const [next] = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.run();
      await settle();
    }
    this.time = until;
    return this.asked.slice(from).map((path) => path.replace(/^api\/v1\/debug\/?/, '') || 'index');
  }
}
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));
const down = (): never => {
  throw new TypeError('fetch failed');
};

describe('a feed', () => {
  it('reads the index, then what is seen, once a second', async () => {
    const bench = new Bench();
    bench.feed.start();
    await bench.pass(0);
    expect(bench.asked).toEqual(['api/v1/debug']);
    expect(bench.index).toEqual(INDEX);
    expect(await bench.pass(5_000)).toEqual([]);
    bench.feed.see('tasks', true);
    expect(await bench.pass(3_500)).toEqual(['tasks', 'tasks', 'tasks', 'tasks']);
    bench.feed.see('tasks', false);
    bench.feed.see('logs', true);
    expect(await bench.pass(1_500)).toEqual(['logs', 'logs']);
    expect(bench.topics.get('tasks')).toMatchObject({ cost: 0, failure: null });
    expect(bench.topics.get('logs')!.cost).toBeCloseTo(0.002, 6);
  });

  it('asks for nothing while paused or hidden', async () => {
    const bench = new Bench();
    bench.feed.start();
    bench.feed.see('tasks', true);
    await bench.pass(1_000);
    bench.feed.paused = true;
    expect(await bench.pass(10_000)).toEqual([]);
    expect(bench.topics.get('tasks')!.cost).toBe(0);
    bench.feed.hidden = true;
    bench.feed.paused = false;
    expect(await bench.pass(10_000)).toEqual([]);
    bench.feed.hidden = false;
    expect(await bench.pass(0)).toEqual(['tasks']);
  });

  it('asks one question a topic at a time, says that the answer is late, and gives up', async () => {
    const bench = new Bench();
    bench.feed.start();
    bench.feed.see('tasks', true);
    await bench.pass(0);
    const good = bench.serve;
    bench.serve = () => new Promise(() => {});
    expect(await bench.pass(2_000)).toEqual(['tasks']);
    expect(bench.line?.state).toBe('live');
    expect(await bench.pass(500)).toEqual([]);
    expect(bench.line?.state).toBe('late');
    await bench.pass(8_500);
    expect(bench.line?.state).toBe('lost');
    bench.serve = good;
    await bench.pass(20_000);
    expect(bench.line?.state).toBe('live');
  });

  it('says at once that the process is gone, keeps what it showed, and goes on when it is back', async () => {
    const bench = new Bench();
    bench.feed.start();
    bench.feed.see('tasks', true);
    bench.feed.see('logs', true);
    await bench.pass(1_000);
    const good = bench.serve;
    bench.serve = down;
    await bench.pass(1_000);
    expect(bench.line).toMatchObject({ state: 'lost', failure: { title: 'The process does not answer.' } });
    expect(bench.topics.get('tasks')!.view).toMatchObject({ topic: 'tasks' });
    const tries = await bench.pass(60_000);
    expect(new Set(tries)).toEqual(new Set(['index']));
    expect(tries.length).toBeLessThan(20);
    bench.serve = (path) => (path === 'api/v1/debug' ? Response.json({ ...INDEX, pid: 2 }) : good(path));
    expect(await bench.pass(5_000)).toEqual(expect.arrayContaining(['tasks', 'logs']));
    expect(bench.line?.state).toBe('live');
    expect(bench.index?.pid).toBe(2);
  });

  it('keeps a topic that fails to itself, and asks for it more and more seldom', async () => {
    const bench = new Bench();
    const good = bench.serve;
    bench.serve = (path) => (path.endsWith('/tasks') ? problem(404, 'NOT_FOUND') : good(path));
    bench.feed.start();
    bench.feed.see('tasks', true);
    bench.feed.see('logs', true);
    const asked = await bench.pass(30_000);
    expect(asked.filter((topic) => topic === 'logs').length).toBe(31);
    expect(asked.filter((topic) => topic === 'tasks').length).toBeLessThan(6);
    expect(bench.line?.state).toBe('live');
    expect(bench.topics.get('tasks')).toMatchObject({ view: null, failure: { code: 'NOT_FOUND', advice: 'a' } });
  });

  it.each([
    ['a problem of the process', () => problem(504, 'DEBUG_TIMEOUT'), 'It is DEBUG_TIMEOUT'],
    ['a page of a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 'The process does not answer.'],
    ['another server', () => new Response('<h1>Welcome</h1>'), 'Something else answers at this address.'],
  ])('takes %s for the loss of it', async (_what, answer, title) => {
    const bench = new Bench();
    bench.serve = answer;
    bench.feed.start();
    await bench.pass(10);
    expect(bench.line).toMatchObject({ state: 'lost', failure: { title } });
  });

  it('keeps a malformed answer out', async () => {
    const bench = new Bench();
    const good = bench.serve;
    bench.serve = (path) => (path.endsWith('/tasks') ? Response.json({ topic: 'tasks' }) : good(path));
    bench.feed.start();
    bench.feed.see('tasks', true);
    await bench.pass(10);
    expect(bench.topics.get('tasks')).toMatchObject({ view: null, failure: { code: 'PROTOCOL_ERROR' } });
    expect(bench.line?.state).toBe('live');
  });
});
