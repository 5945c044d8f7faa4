import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type ConformanceNeed, scenariosWithout } from '../../src/source/conformance.ts';
import { isRecord } from '../../src/source/dask/comm/msgpack.ts';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { Rpc } from '../../src/source/dask/index.ts';
import { RecordingSink } from '../../src/source/recording-sink.ts';
import { DASK_VERSIONS, end, NEWEST_DASK } from './cluster.ts';
import { DaskHarness } from './dask-harness.ts';
import { Relay } from './relay.ts';

const OLDEST_DASK = DASK_VERSIONS[1];
const POLLING_LACKS: readonly ConformanceNeed[] = ['running', 'pid', 'links', 'no-trace'];

const blocked = (...handlers: string[]) => ({
  DASK_DISTRIBUTED__SCHEDULER__BLOCKED_HANDLERS: JSON.stringify(handlers),
});

/** Schedulers that do not let everybody do everything. */
const CLUSTERS = [
  { ...NEWEST_DASK, mode: 'run_function', how: 'feed is blocked', env: blocked('feed'), lacks: [] },
  {
    ...NEWEST_DASK,
    mode: 'polling',
    how: 'feed and run_function are blocked',
    env: blocked('feed', 'run_function'),
    lacks: POLLING_LACKS,
  },
  {
    ...OLDEST_DASK,
    mode: 'polling',
    how: 'pickle is off',
    env: { DASK_DISTRIBUTED__SCHEDULER__PICKLE: 'False' },
    lacks: POLLING_LACKS,
  },
] as const;

describe.each(CLUSTERS)('Dask $version where $how', ({ mode, python, env, lacks }) => {
  let harness: DaskHarness;
  beforeAll(async () => {
    harness = await DaskHarness.start({ python, env }, lacks);
  }, 60_000);
  afterAll(() => harness?.[Symbol.asyncDispose]());

  it('says how it is watched', async () => {
    const sink = new RecordingSink();
    await using source = harness.createSource();
    await source.start(sink);
    assert.equal(sink.clusters[0]!.mode, mode);
    assert.match(sink.clusters[0]!.version, /^20\d\d\.\d+\.\d+/);
  });

  it('loses no task of a burst, and says what it missed while it was cut off', async () => {
    await using relay = await Relay.start(Number(harness.cluster.address.split(':').at(-1)));
    const { driver } = harness;
    const sink = new RecordingSink();
    await using source = new DaskSource(relay.address);
    await source.start(sink);
    const token = await driver.do('burst', { count: 500 });
    await sink.until('all records', () => sink.of('quick').length >= 500);
    await sink.until('its counts', () => (sink.counts.get('quick')?.memory ?? 0) >= 500);
    await driver.do('release', { token });
    await sink.until('forgotten', () => {
      const { memory, released, forgotten } = sink.counts.get('quick')!;
      return memory === 0 && released + forgotten === 500;
    });
    relay.cut();
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 5_000);
    await driver.do('burst', { count: 200, start: 10_000 });
    relay.up = true;
    await sink.until('attached again', () => sink.clusters.length === 2 && sink.links.at(-1)?.state === 'connected');
    await driver.do('burst', { count: 10, start: 20_000 });
    const missed = () => sink.gaps.reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
    await sink.until('records go on', () => sink.of('quick').length + missed() >= 710);
    assert.equal(sink.of('quick').length + missed(), 710);
    assert.equal(new Set(sink.tasks.map(({ key }) => key)).size, sink.tasks.length, 'each once');
    // Polling finds it all in the scheduler's record, which nobody keeps for the agent.
    assert.equal(missed(), mode === 'polling' ? 0 : 200);
  }, 60_000);

  if (mode === 'run_function') {
    it('leaves little among the events of the scheduler', async () => {
      await using source = harness.createSource();
      await source.start(new RecordingSink());
      using rpc = new Rpc(harness.cluster.address);
      const events = await rpc.call('events', { topic: 'all' });
      assert.ok(Array.isArray(events));
      const ran = events.flatMap((event) => {
        const said = Array.isArray(event) ? event[1] : undefined;
        return isRecord(said) && said.function instanceof Uint8Array ? [said.function.length] : [];
      });
      assert.ok(ran.length > 0 && ran.every((size) => size < 5_000), String(ran));
    });
  }

  for (const scenario of scenariosWithout(lacks)) it(scenario.name, () => scenario.run(harness), 60_000);

  it('takes a scheduler that was started anew for another one, and leaves a clean log', async () => {
    const { cluster } = harness;
    const sink = new RecordingSink();
    await using source = harness.createSource();
    await source.start(sink);
    await cluster.killScheduler();
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 5_000);
    cluster.log = '';
    await cluster.startScheduler();
    await sink.until('connected again', () => sink.links.at(-1)?.state === 'connected', 30_000);
    assert.notEqual(sink.clusters[1]!.id, sink.clusters[0]!.id);
    assert.equal(sink.clusters[1]!.mode, mode);
    // Of the other cluster nothing was missed; what earlier scenarios left to do in the first one may be, and nobody knows how much.
    const sizes = sink.gaps.map(({ size }) => size);
    assert.ok(sizes.length <= 1 && sizes.every((size) => size === null), String(sizes));
    await harness.driver.stop();
    const refusals = cluster.log.length;
    await end(cluster.scheduler, 'SIGINT');
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 5_000);
    assert.doesNotMatch(cluster.log.slice(refusals), /Traceback|ERROR/);
  }, 60_000);
});

it('where nothing but identity is allowed, the workers are shown', async () => {
  const env = blocked('feed', 'run_function', 'get_task_stream', 'get_task_stream_index', 'get_task_prefix_states');
  await using harness = await DaskHarness.start({ ...NEWEST_DASK, env });
  const sink = new RecordingSink();
  await using source = harness.createSource();
  await source.start(sink);
  await sink.until('workers', () => sink.workers.size === 2);
  await sink.until('it goes on', () => [...sink.samples.values()].every(({ metrics }) => metrics !== undefined));
  assert.equal(sink.links.at(-1)!.state, 'connected');
  assert.deepEqual(sink.gaps, []);
}, 60_000);
