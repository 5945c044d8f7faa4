import { ScriptedSource, tasksOf } from '../../src/server/scripted-source.fixture.ts';
import { Serving, type Viewer } from '../../src/server/serving.fixture.ts';
import { until } from '../support/until.ts';
import type { Target } from './fuzzer.ts';
import { mutateTree, type Random } from './mutate.ts';

const ADDRESSES = [
  '/api/v1/cluster',
  '/api/v1/tasks?name=inc&worker=worker-0&status=erred&since=1&until=1790000001&text=a&after=3&limit=10&format=json',
  '/api/v1/tasks?format=ndjson&limit=5',
  '/api/v1/tasks/3',
  '/api/v1/functions?sort=p95&limit=1&tracks=0-3,9&since=1790000000&until=1790000004.5',
  '/api/v1/shares?since=1790000000&until=1790000005&bins=64&by=track',
  '/api/v1/resources?since=1790000000',
  '/api/v1/search?text=inc&limit=3',
  '/workers/worker-0/api/v1/debug/tasks?x=1',
  '/status?theme=dark',
  '/help/troubleshooting.html',
  '/metrics',
];

const MESSAGES: readonly unknown[] = [
  { kind: 'hello', version: 1 },
  { kind: 'subscribe', topics: ['running', 'workers', 'resources'] },
  {
    kind: 'window',
    id: 1,
    query: { since: 1.79e15, until: 1.79e15 + 6e7, level: 16, functions: [0, 1], tracks: [0], maxSlices: 100 },
  },
  { kind: 'close-window', id: 1 },
  { kind: 'ping', id: 3 },
];

/** A whole server on real sockets: it answers, or says what is wrong, and goes on. */
export async function serverTargets(): Promise<readonly Target[]> {
  const serving = await Serving.start({}, new ScriptedSource());
  serving.source.finish(tasksOf('inc', 200));

  const http: Target = {
    name: 'http',
    seeds: ADDRESSES.map((address) => Buffer.from(address)),
    refuses: ['REFUSED'],
    async run(input) {
      // What is no address at all never gets this far.
      const address = Buffer.from(input)
        .toString('latin1')
        .replace(/[^!-~]/g, encodeURIComponent);
      const response = await serving.fetch(`/${address.replace(/^\/+/, '')}`);
      const text = await response.text();
      if (response.status >= 500 && response.status !== 503)
        throw new Error(`${response.status}: ${text.slice(0, 300)}`);
      if (response.status >= 400) throw Object.assign(new Error(), { code: 'REFUSED' });
    },
    async close() {
      await serving[Symbol.asyncDispose]();
    },
  };

  let viewer: Viewer | null = null;
  let pings = 1_000;
  const websocket: Target = {
    name: 'websocket',
    seeds: MESSAGES.map((message) => Buffer.from(JSON.stringify(message))),
    refuses: ['REFUSED'],
    mutate: (_input, random: Random) => Buffer.from(JSON.stringify(mutateTree(random.pick(MESSAGES), random)) ?? ''),
    async run(input) {
      viewer ??= await serving.viewer();
      const mine = viewer;
      const id = pings++;
      mine.messages.length = 0;
      // As text, whatever it holds; now and then as what a page never sends.
      mine.socket.send(input, { binary: input.length % 50 === 49 });
      mine.socket.send(JSON.stringify({ kind: 'ping', id }));
      await until('the server answers or closes', () => mine.closed ?? mine.of('pong').some((pong) => pong.id === id), {
        every: 1,
      });
      if (mine.closed === null) return;
      viewer = null;
      throw Object.assign(new Error(), { code: 'REFUSED' });
    },
  };
  return [websocket, http];
}
