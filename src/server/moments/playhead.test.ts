import { expect, test, vi } from 'vitest';
import { STATE_COUNT, STATE_INDEX } from '../../model/task-state.ts';
import { Scratch } from '../../recording/scratch.fixture.ts';
import { workerOf } from '../../store/history.fixture.ts';
import { Replica } from '../../store/replica.ts';
import { EPOCH, type ScriptedSource, tasksOf, WORKER } from '../scripted-source.fixture.ts';
import { Serving, type Viewer } from '../serving.fixture.ts';

const soon = { timeout: 10_000, interval: 10 };
const TOPICS = ['running', 'workers', 'resources'] as const;

/** What a page knows after what it heard; the clock stands where the last message set it. */
function replicaOf(viewer: Viewer): Replica {
  const replica = new Replica(() => 0);
  for (const message of viewer.messages) replica.apply(message);
  return replica;
}

/** `count` tasks of `inc` are in memory. */
function count(source: ScriptedSource, count: number, time: number): void {
  const states = new Uint32Array(STATE_COUNT);
  states[STATE_INDEX.memory] = count;
  const fn = Uint32Array.of(source.sink.intern('function', 'inc'));
  source.tick({ functions: { fn, states, forgotten: Float64Array.of(0), nbytes: Float64Array.of(28 * count) } }, time);
}

/** Ten seconds in which one task a second finishes and another one begins; a worker comes at the fifth. */
function tell(source: ScriptedSource): void {
  for (let second = 1; second <= 10; second++) {
    const time = EPOCH + second;
    const [task] = tasksOf('inc', 1, time - 0.5);
    source.finish([{ ...task!, key: `inc-${second}` }], time);
    const { sink } = source;
    const worker = sink.intern('worker', WORKER);
    const started = [{ key: `dec-${second}`, fn: sink.intern('function', 'dec'), worker, start: time }];
    source.tick({ running: { reset: true, started, ended: [] } }, time);
    if (second === 5) source.tick({ workers: { added: [workerOf(sink, 'tcp://10.0.0.2:4002')] } }, time);
    count(source, second, time);
  }
}

/** Of `inc`, as a page knows it. */
function inMemory(replica: Replica): number {
  return replica.functionRow(replica.names.indexOf('inc')).states[STATE_INDEX.memory]!;
}

test('a page is told what was true where its playhead stands, and what is true now once it goes back', async () => {
  await using scratch = await Scratch.make();
  await using serving = await Serving.start({ record: { folder: scratch.join('recordings') } });
  const viewer = await serving.viewer({ topics: TOPICS });
  const other = await serving.viewer({ topics: TOPICS });
  tell(serving.source);
  await vi.waitFor(() => expect(inMemory(replicaOf(viewer))).toBe(10), soon);

  for (const second of [3, 7, 4]) {
    viewer.send({ kind: 'playhead', time: EPOCH + second + 0.5, speed: 0 });
    await vi.waitFor(() => expect(replicaOf(viewer).playhead?.time).toBe(EPOCH + second + 0.5), soon);
    const replica = replicaOf(viewer);
    expect(replica.clock()).toBe(EPOCH + second + 0.5);
    expect(inMemory(replica)).toBe(second);
    expect([...replica.running.values()].map(({ key }) => key)).toEqual([`dec-${second}`]);
    expect(replica.totals).toMatchObject({ workers: second < 5 ? 1 : 2, records: second });
    expect(replica.workers).toHaveLength(second < 5 ? 1 : 2);
    expect(replica.runs).toMatchObject([{ records: second }]);
    expect(replica.playhead?.runs).toMatchObject([{ records: 10 }]);
    expect(replica.playhead?.until).toBeGreaterThanOrEqual(EPOCH + 10);
    expect(replicaOf(other).playhead).toBeNull();
  }

  count(serving.source, 11, EPOCH + 11);
  await vi.waitFor(() => expect(inMemory(replicaOf(other))).toBe(11), soon);
  expect(inMemory(replicaOf(viewer))).toBe(4);
  viewer.send({ kind: 'playhead', time: null, speed: 0 });
  await vi.waitFor(() => expect(inMemory(replicaOf(viewer))).toBe(11), soon);
  expect(replicaOf(viewer).playhead).toBeNull();
});

test('it plays on, as fast as is asked for, and arrives at what goes on', async () => {
  await using scratch = await Scratch.make();
  await using serving = await Serving.start({ record: { folder: scratch.join('recordings') } });
  const viewer = await serving.viewer({ topics: TOPICS });
  tell(serving.source);
  viewer.send({ kind: 'playhead', time: EPOCH + 1.5, speed: 10 });
  await vi.waitFor(() => expect(replicaOf(viewer).playhead).toMatchObject({ speed: 10 }), soon);
  await vi.waitFor(() => {
    expect(replicaOf(viewer).playhead).toBeNull();
    expect(inMemory(replicaOf(viewer))).toBe(10);
  }, soon);
  const seen = viewer.of('state').map(({ batch }) => batch.now);
  expect(seen.filter((now) => now > EPOCH + 2 && now < EPOCH + 10).length).toBeGreaterThan(2);
});

test('no more than eight pages look back at a time, and none where nothing is recorded', async () => {
  await using scratch = await Scratch.make();
  await using serving = await Serving.start({ record: { folder: scratch.join('recordings') } });
  tell(serving.source);
  const viewers = await Promise.all(Array.from({ length: 9 }, () => serving.viewer()));
  for (const viewer of viewers) viewer.send({ kind: 'playhead', time: EPOCH + 2, speed: 0 });
  const refused = (): Viewer[] => viewers.filter((viewer) => viewer.of('error').length > 0);
  await vi.waitFor(() => {
    expect(viewers.filter((viewer) => replicaOf(viewer).playhead !== null)).toHaveLength(8);
    expect(refused()).toHaveLength(1);
  }, soon);
  expect(refused()[0]!.of('error')[0]!.code).toBe('MOMENTS_FULL');
  expect(refused()[0]!.closed).toBeNull();
  // One place is free again.
  viewers.find((viewer) => !refused().includes(viewer))!.close();
  await vi.waitFor(
    () => {
      refused()[0]!.send({ kind: 'playhead', time: EPOCH + 2, speed: 0 });
      expect(replicaOf(refused()[0]!).playhead).not.toBeNull();
    },
    { ...soon, interval: 100 },
  );

  await using unrecorded = await Serving.start();
  const viewer = await unrecorded.viewer();
  viewer.send({ kind: 'playhead', time: EPOCH, speed: 0 });
  await vi.waitFor(() => expect(viewer.of('error')[0]?.code).toBe('NOT_RECORDED'), soon);
});
