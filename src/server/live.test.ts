import { expect, test, vi } from 'vitest';
import type { WindowQuery } from '../model/batch.ts';
import { UNMATCHED } from '../model/task-state.ts';
import { Replica } from '../store/replica.ts';
import { MAX_CLIENT_MESSAGE, MAX_WINDOWS, type ServerMessage, WIRE_VERSION } from '../wire/message.ts';
import { EPOCH, tasksOf } from './scripted-source.fixture.ts';
import { Serving, type Viewer } from './serving.fixture.ts';

const soon = { timeout: 5_000, interval: 10 };

function apply(replica: Replica, message: ServerMessage): void {
  switch (message.kind) {
    case 'state':
    case 'running':
    case 'workers':
    case 'resources':
    case 'window':
      replica.apply(message);
  }
}

/** What a page would know after these messages. */
function replicaOf(viewer: Viewer): Replica {
  const replica = new Replica(() => performance.now());
  for (const message of viewer.messages) {
    if (message.kind === 'window') replica.window(message.id);
    apply(replica, message);
  }
  return replica;
}

const EVERYTHING: WindowQuery = { since: EPOCH * 1e6, until: null, level: 16, functions: null, maxSlices: 20_000 };

test('a newcomer is greeted, gets a full state, then what changes', async () => {
  await using serving = await Serving.start();
  serving.source.counts('inc', { processing: 5 });
  const viewer = await serving.viewer();
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(1), soon);
  expect(viewer.messages[0]).toMatchObject({ kind: 'hello', version: WIRE_VERSION });
  expect(viewer.of('state')[0]!.batch.reset).toBe(true);
  serving.source.counts('inc', { processing: 4, memory: 1 });
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(2), soon);
  const { batch } = viewer.of('state')[1]!;
  expect(batch.reset).toBe(false);
  expect(batch.names).toBeUndefined();
  expect([...batch.counts!.states]).toEqual([0, 0, 0, 4, 1, 0, 0]);
  viewer.close();
});

test('all viewers of one state get the same bytes', async () => {
  await using serving = await Serving.start();
  const viewers = await Promise.all(Array.from({ length: 10 }, () => serving.viewer()));
  await vi.waitFor(() => expect(viewers.every((viewer) => viewer.of('state').length > 0)).toBe(true), soon);
  const before = viewers.map((viewer) => viewer.bytes);
  for (let i = 1; i <= 5; i++) {
    serving.source.counts('inc', { memory: i });
    await vi.waitFor(() => {
      for (const viewer of viewers) expect(viewer.of('state').at(-1)!.batch.counts?.states[4]).toBe(i);
    }, soon);
  }
  expect(new Set(viewers.map((viewer, i) => viewer.bytes - before[i]!)).size).toBe(1);
  expect(new Set(viewers.map((viewer) => JSON.stringify(viewer.of('state').slice(-5)))).size).toBe(1);
  for (const viewer of viewers) viewer.close();
});

test('every viewer ends with what the API says, whenever it came', async () => {
  await using serving = await Serving.start();
  const { source } = serving;
  const viewers: Viewer[] = [];
  for (let i = 0; i < 20; i++) {
    source.counts(`f${i}`, { memory: i + 1 }, 10 * i);
    source.finish(tasksOf(`f${i}`, 3, EPOCH + i));
    if (i % 4 === 0) viewers.push(await serving.viewer({ topics: ['running', 'workers', 'resources'] }));
  }
  source.tick({ workers: { samples: [source.sample('tcp://10.0.0.1:4001', 77)] } }, EPOCH + 30);
  const progress = (await serving.json('/api/v1/progress')) as { functions: { name: string; memory: number }[] };
  for (const viewer of viewers) {
    await vi.waitFor(() => {
      const replica = replicaOf(viewer);
      expect(replica.totals?.records).toBe(60);
      for (const { name, memory } of progress.functions) {
        const fn = replica.names.indexOf(name);
        expect(replica.functionRow(fn).states[4]).toBe(memory);
      }
      expect(replica.workers[0]?.cpu).toBe(77);
    }, soon);
    viewer.close();
  }
});

test('topics come when they are asked for, each with a reset first', async () => {
  await using serving = await Serving.start();
  const { source } = serving;
  const viewer = await serving.viewer();
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(1), soon);
  expect(viewer.of('workers')).toEqual([]);
  viewer.send({ kind: 'subscribe', topics: ['running', 'workers', 'resources'] });
  await vi.waitFor(() => {
    expect(viewer.of('workers').length).toBe(1);
    expect(viewer.of('running')[0]?.batch.reset).toBe(true);
    expect(viewer.of('resources')[0]?.batch.reset).toBe(true);
  }, soon);
  const fn = source.sink.intern('function', 'slow');
  const worker = source.sink.intern('worker', 'tcp://10.0.0.1:4001');
  source.tick({ running: { reset: false, started: [{ key: 'slow-1', fn, worker, start: EPOCH + 1 }], ended: [] } });
  await vi.waitFor(() => expect(viewer.of('running').at(-1)!.batch.keys).toEqual(['slow-1']), soon);
  expect(viewer.of('running').at(-1)!.batch.reset).toBe(false);
  viewer.send({ kind: 'subscribe', topics: [] });
  viewer.send({ kind: 'ping', id: 7 });
  await vi.waitFor(() => expect(viewer.of('pong').at(-1)?.id).toBe(7), soon);
  const { length } = viewer.of('running');
  source.tick({ running: { reset: false, started: [], ended: ['slow-1'] } });
  source.counts('slow', { released: 1 });
  await vi.waitFor(() => expect(viewer.of('state').at(-1)!.batch.counts?.states[5]).toBe(1), soon);
  expect(viewer.of('running').length).toBe(length);
  viewer.close();
});

test('a window is answered, follows what comes, moves and closes', async () => {
  await using serving = await Serving.start();
  serving.source.finish(tasksOf('inc', 10));
  const viewer = await serving.viewer();
  viewer.send({ kind: 'window', id: 3, query: EVERYTHING });
  await vi.waitFor(() => expect(viewer.of('window').length).toBe(1), soon);
  expect(viewer.of('window')[0]).toMatchObject({ id: 3, batch: { mode: 'slices', reset: true } });
  serving.source.finish(tasksOf('inc', 5, EPOCH + 2));
  await vi.waitFor(() => expect(replicaOf(viewer).windows.get(3)?.slicesOf(0)?.length).toBe(15), soon);
  const query = { ...EVERYTHING, until: (EPOCH + 1) * 1e6 };
  viewer.send({ kind: 'window', id: 3, query });
  await vi.waitFor(() => expect(viewer.of('window').at(-1)!.batch).toMatchObject({ reset: true, query }), soon);
  expect(replicaOf(viewer).windows.get(3)?.slicesOf(0)?.length).toBe(10);
  viewer.send({ kind: 'close-window', id: 3 });
  viewer.send({ kind: 'ping', id: 1 });
  await vi.waitFor(() => expect(viewer.of('pong').length).toBe(1), soon);
  const { length } = viewer.of('window');
  serving.source.finish(tasksOf('inc', 5, EPOCH + 3));
  await vi.waitFor(() => expect(replicaOf(viewer).totals?.records).toBe(20), soon);
  expect(viewer.of('window').length).toBe(length);
  viewer.close();
});

test('a window of sums alone follows less often, and has the last task though nothing comes after it', async () => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer();
  for (const [id, maxSlices] of [20_000, 0].entries()) {
    viewer.send({ kind: 'window', id, query: { ...EVERYTHING, maxSlices } });
  }
  const windowOf = (id: number) => replicaOf(viewer).windows.get(id);
  const busy = (): number => {
    const { busy: sums = [] } = windowOf(1)?.sharesOf(0) ?? {};
    return Array.from(sums).reduce((sum, micros) => sum + micros, 0);
  };
  for (let i = 1; i <= 10; i++) {
    serving.source.finish(tasksOf('inc', 1, EPOCH + i));
    await vi.waitFor(() => expect(windowOf(0)?.slicesOf(0)?.length).toBe(i), soon);
  }
  await vi.waitFor(() => expect(busy()).toBe(10 * 10_000), soon);
  const messages = (id: number): number => viewer.of('window').filter((message) => message.id === id).length;
  expect(messages(1)).toBeLessThan(messages(0));
  viewer.close();
});

test('a window is narrowed by a pattern of keys; what is none is answered with why, and nothing matches', async () => {
  await using serving = await Serving.start();
  serving.source.finish(tasksOf('inc', 12));
  const viewer = await serving.viewer();
  const matching = async (text: string, windows: number): Promise<number> => {
    viewer.send({ kind: 'window', id: 1, query: { ...EVERYTHING, filter: { text, regex: true } } });
    await vi.waitFor(() => expect(viewer.of('window').length).toBe(windows), soon);
    const { batch } = viewer.of('window').at(-1)!;
    if (batch.mode !== 'slices') throw new Error('they are few');
    return batch.category.filter((category) => category < UNMATCHED).length;
  };
  const { tasks } = (await serving.json('/api/v1/tasks?text=[13]$&regex=1')) as { tasks: unknown[] };
  expect(tasks.length).toBeGreaterThan(0);
  expect(await matching('[13]$', 1)).toBe(tasks.length);
  expect(viewer.of('error')).toEqual([]);
  expect(await matching('(inc', 2)).toBe(0);
  expect(viewer.of('error')[0]).toMatchObject({
    code: 'QUERY_INVALID',
    detail: expect.stringMatching(/not a regular expression/),
  });
  expect(await matching('i'.repeat(257), 3)).toBe(0);
  expect(viewer.of('error')[1]).toMatchObject({ code: 'QUERY_INVALID', detail: expect.stringMatching(/at most 256/) });
  expect(await matching('inc', 4)).toBe(12);
  viewer.close();
});

test('a viewer that does not read costs only itself, and gets a snapshot when it reads again', async () => {
  await using serving = await Serving.start({ limits: { bufferedBytes: 20_000, clogMs: 60_000 } });
  const { source } = serving;
  const slow = await serving.viewer();
  const quick = await serving.viewer();
  slow.send({ kind: 'window', id: 1, query: EVERYTHING });
  await vi.waitFor(() => expect(slow.of('window').length).toBe(1), soon);
  slow.socket.pause();
  // More than all buffers between the two hold, in long names that the state carries.
  let sent = 0;
  let round = 0;
  while (sent < 12_000_000) {
    const names = Array.from({ length: 20 }, (_, i) => `f${round}-${i}-${'x'.repeat(10_000)}`);
    for (const name of names) source.counts(name, { memory: 1 });
    source.finish(tasksOf(names[0]!, 1, EPOCH + round));
    sent += 200_000;
    round++;
    await vi.waitFor(() => expect(quick.of('state').at(-1)!.batch.totals?.records ?? 0).toBe(round), soon);
  }
  expect(quick.bytes).toBeGreaterThan(12_000_000);
  const last = { reset: quick.of('state').filter((message) => message.batch.reset).length };
  expect(last.reset, 'nobody else notices').toBe(1);
  slow.socket.resume();
  await vi.waitFor(() => expect(replicaOf(slow).totals?.records).toBe(round), soon);
  expect(slow.of('state').filter((message) => message.batch.reset).length).toBeGreaterThan(1);
  expect(slow.of('state').length).toBeLessThan(quick.of('state').length);
  expect(replicaOf(slow).names).toEqual(replicaOf(quick).names);
  await vi.waitFor(() => expect(replicaOf(slow).windows.get(1)?.slicesOf(0)?.length).toBe(round), soon);
  expect(
    slow.of('window').at(-1)!.batch.reset || slow.of('window').length < round,
    'a reset in place of what was skipped',
  ).toBe(true);
  expect(slow.of('window').filter((message) => message.batch.reset).length).toBeGreaterThan(1);
  slow.close();
  quick.close();
}, 60_000);

test('one that stays clogged is closed with a reason', async () => {
  await using serving = await Serving.start({ limits: { bufferedBytes: 20_000, clogMs: 200 } });
  const viewer = await serving.viewer();
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(1), soon);
  viewer.socket.pause();
  const viewers = async () => /^taskglass_viewers (\d+)$/m.exec(await (await serving.fetch('/metrics')).text())?.[1];
  let i = 0;
  await vi.waitFor(
    async () => {
      for (let n = 0; n < 50; n++) serving.source.counts(`f${i++}-${'x'.repeat(10_000)}`, { memory: 1 });
      expect(await viewers()).toBe('0');
    },
    { timeout: 20_000, interval: 110 },
  );
  viewer.close();
}, 30_000);

test('an idle viewer costs less than half a kilobyte a second and hears the clock', async () => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer({ topics: ['running', 'workers', 'resources'] });
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(1), soon);
  const begin = performance.now();
  const { bytes } = viewer;
  const count = viewer.of('state').length;
  await vi.waitFor(() => expect(viewer.of('state').length).toBeGreaterThanOrEqual(count + 3), soon);
  expect((viewer.bytes - bytes) / ((performance.now() - begin) / 1000)).toBeLessThan(500);
  const clocks = viewer
    .of('state')
    .slice(-3)
    .map((message) => message.batch.now);
  expect(clocks[1]! - clocks[0]!).toBeGreaterThan(0.5);
  expect(clocks[2]! - clocks[1]!).toBeGreaterThan(0.5);
  viewer.close();
});

test('a scheduler that is lost is told at once', async () => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer();
  await vi.waitFor(() => expect(viewer.of('state').length).toBe(1), soon);
  const begin = performance.now();
  serving.source.emit({ kind: 'link', state: 'lost', time: EPOCH + 2, reason: 'connection refused' });
  await vi.waitFor(
    () => expect(viewer.of('state').at(-1)!.batch.link).toMatchObject({ state: 'lost', reason: 'connection refused' }),
    soon,
  );
  expect(performance.now() - begin).toBeLessThan(1_000);
  viewer.close();
});

test.each([
  ['not JSON', 'hello', 'WIRE_MALFORMED'],
  ['an unknown kind', '{"kind":"eval"}', 'WIRE_MALFORMED'],
  ['a window before hello', JSON.stringify({ kind: 'window', id: 1, query: EVERYTHING }), 'WIRE_MALFORMED'],
  ['binary', Buffer.from('{"kind":"hello","version":1}'), 'WIRE_MALFORMED'],
  ['another version', `{"kind":"hello","version":${WIRE_VERSION + 1}}`, 'WIRE_VERSION'],
])('%s closes the socket and says why', async (_what, data, code) => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer({ topics: null });
  viewer.socket.send(data);
  await vi.waitFor(() => expect(viewer.closed).toEqual({ code: 1008, reason: code }), soon);
  expect(viewer.of('error')[0]?.code).toBe(code);
  expect(viewer.of('state')).toEqual([]);
});

test('a message that is too long closes the socket unread', async () => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer();
  viewer.socket.send('x'.repeat(MAX_CLIENT_MESSAGE + 1));
  await vi.waitFor(() => expect(viewer.closed?.code).toBe(1009), soon);
});

test('more windows than a page needs are refused', async () => {
  await using serving = await Serving.start();
  const viewer = await serving.viewer();
  for (let id = 0; id <= MAX_WINDOWS; id++) viewer.send({ kind: 'window', id, query: EVERYTHING });
  await vi.waitFor(() => expect(viewer.closed).toEqual({ code: 1008, reason: 'WIRE_MALFORMED' }), soon);
});

test('more viewers than there may be are refused, and a place becomes free again', async () => {
  await using serving = await Serving.start({ limits: { viewers: 2 } });
  const first = await serving.viewer();
  const second = await serving.viewer();
  await expect(serving.viewer()).rejects.toThrow('503');
  first.close();
  await vi.waitFor(async () => (await serving.viewer()).close(), soon);
  second.close();
});
