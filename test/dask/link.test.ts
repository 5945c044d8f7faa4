import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { TaskglassError } from '../../src/base/errors.ts';
import { isRecord } from '../../src/source/dask/comm/msgpack.ts';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { Rpc } from '../../src/source/dask/index.ts';
import { RecordingSink } from '../../src/source/recording-sink.ts';
import { DASK_VERSIONS, DaskCluster, Driver, end, freePort, NEWEST_DASK } from './cluster.ts';
import { DaskHarness } from './dask-harness.ts';
import { Relay } from './relay.ts';

async function refusal(address: string, connectTimeoutMs = 3_000): Promise<TaskglassError> {
  const sink = new RecordingSink();
  try {
    await using source = new DaskSource(address, { connectTimeoutMs });
    await source.start(sink);
  } catch (error) {
    assert.ok(error instanceof TaskglassError, String(error));
    assert.deepEqual(sink.kinds, [], 'nothing was sent');
    return error;
  }
  throw new Error('it started');
}

const codeOf = async (address: string, ms?: number): Promise<ErrorCode> => (await refusal(address, ms)).code;

/** The scheduler's own counts are read once a second, together with the agent's cost. */
async function nextReading(sink: RecordingSink): Promise<void> {
  const { cost } = sink;
  await sink.until('the next reading', () => sink.cost !== cost);
}

describe('what is no scheduler is said to be none', () => {
  it('nothing listens', async () => {
    assert.equal(await codeOf(`tcp://127.0.0.1:${await freePort()}`), 'CONNECTION_REFUSED');
  });
  it('a name that is not known', async () => {
    assert.equal(await codeOf('tcp://no-such-host.invalid:8786'), 'HOST_NOT_FOUND');
  });
  it('a web server', async () => {
    const server = createHttpServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await codeOf(`127.0.0.1:${(server.address() as { port: number }).port}`), 'NOT_A_SCHEDULER');
    server.close();
  });
  it('something that says nothing, that hangs up, that talks garbage', async () => {
    const answers: Record<string, (socket: Socket) => void> = {
      CONNECT_TIMEOUT: () => {},
      NOT_A_SCHEDULER: (socket) => socket.destroy(),
    };
    for (const [code, answer] of Object.entries(answers)) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        answer(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      assert.equal(await codeOf(`127.0.0.1:${(server.address() as { port: number }).port}`, 500), code);
      server.close();
    }
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.alloc(64, 0xff));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await codeOf(`127.0.0.1:${(server.address() as { port: number }).port}`), 'NOT_A_SCHEDULER');
    server.close();
  });
  it('an address that is none', () => {
    assert.throws(() => new DaskSource('tcp://127.0.0.1'), { code: 'ADDRESS_INVALID' });
    assert.throws(() => new DaskSource('ucx://127.0.0.1:8786'), { code: 'SCHEME_UNSUPPORTED' });
  });
});

describe.each(DASK_VERSIONS)('the link to Dask $version', ({ version, python }) => {
  let cluster: DaskCluster;
  let driver: Driver;
  beforeAll(async () => {
    cluster = await DaskCluster.start({ python });
    driver = await Driver.start(python, cluster.address);
    await driver.do('wait_for_workers', { count: 2 });
  }, 60_000);
  afterAll(async () => {
    await driver?.stop();
    await cluster?.stop();
  });

  it('a worker is not a scheduler', async () => {
    using rpc = new Rpc(cluster.address);
    const identity = await rpc.call('identity');
    assert.ok(isRecord(identity) && identity.type === 'Scheduler' && isRecord(identity.workers));
    const error = await refusal(Object.keys(identity.workers)[0]!);
    assert.equal(error.code, 'NOT_A_SCHEDULER');
    assert.match(error.detail, /worker/);
  });

  it('calls of handlers settle: unknown op, error, close', async () => {
    const rpc = new Rpc(cluster.address);
    assert.equal(await rpc.call('no_such_op'), null);
    await assert.rejects(rpc.call('ncores', { workers: 5 }), {
      code: 'PROTOCOL_ERROR',
    });
    const slow = rpc.call('identity');
    rpc.close();
    await assert.rejects(slow, { code: 'LINK_CLOSED' });
  });

  it('tells a stalled scheduler from a lost one, and loses nothing by it', async () => {
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address);
    await source.start(sink);
    const token = await driver.do('burst', { count: 200 });
    cluster.scheduler!.kill('SIGSTOP');
    const stopped = performance.now();
    try {
      await sink.until('stalled', () => sink.links.at(-1)?.state === 'stalled', 5_000);
      assert.ok(performance.now() - stopped < 2_000, 'noticed in time');
    } finally {
      cluster.scheduler!.kill('SIGCONT');
    }
    await sink.until('connected', () => sink.links.at(-1)?.state === 'connected');
    await driver.do('burst', { count: 200, start: 200 });
    await sink.until('400 records', () => sink.of('quick').length === 400);
    assert.deepEqual(sink.gaps, []);
    assert.equal(sink.clusters.length, 1);
    await driver.do('release', { token });
  });

  it('gives the size of what it missed while disconnected', async () => {
    await using relay = await Relay.start(Number(cluster.address.split(':').at(-1)));
    const sink = new RecordingSink();
    await using source = new DaskSource(relay.address);
    await source.start(sink);
    await driver.do('burst', { count: 100 });
    await sink.until('100 records', () => sink.of('quick').length === 100);
    await sink.until('its counts', () => (sink.counts.get('quick')?.memory ?? 0) >= 100);
    await nextReading(sink);
    for (const [round, missed] of [150, 2_000].entries()) {
      const before = sink.tasks.length;
      relay.cut();
      await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 1_000);
      await driver.do('burst', { count: missed });
      relay.up = true;
      await sink.until(
        'attached again',
        () => sink.clusters.length === 2 + round && sink.links.at(-1)?.state === 'connected',
      );
      assert.equal(sink.clusters.at(-1)!.id, sink.clusters[0]!.id);
      await sink.until('the gap', () => sink.gaps.length === 1 + round);
      const gap = sink.gaps.at(-1)!;
      assert.deepEqual([gap.size, gap.reason], [missed, 'disconnected']);
      assert.ok(gap.since < gap.until);
      assert.equal(sink.tasks.length, before);
      await driver.do('burst', { count: 10 });
      await sink.until('records go on', () => sink.tasks.length === before + 10);
      await nextReading(sink);
    }
  });

  it('fills the gap from the scheduler’s own buffer where it has one', async () => {
    await driver.do('watch_task_stream');
    await using relay = await Relay.start(Number(cluster.address.split(':').at(-1)));
    const sink = new RecordingSink();
    await using source = new DaskSource(relay.address);
    await source.start(sink);
    await driver.do('burst', { count: 50 });
    await sink.until('50 records', () => sink.of('quick').length === 50);
    const past = sink.tasks.length - 50;
    relay.cut();
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 1_000);
    await driver.do('burst', { count: 1_500 });
    relay.up = true;
    await sink.until('attached again', () => sink.links.at(-1)?.state === 'connected');
    await sink.until('all records', () => sink.of('quick').length === 1_550);
    assert.deepEqual(sink.gaps, []);
    assert.equal(sink.tasks.length, past + 1_550);
    // A newcomer gets them too, as from before its time.
    const late = new RecordingSink();
    await using second = new DaskSource(cluster.address);
    await second.start(late);
    await late.until('the past', () => late.tasks.length >= 1_550);
    assert.ok(late.tasks.every((task) => task.past));
    assert.deepEqual(new Set(sink.tasks.map((task) => task.key)), new Set(late.tasks.map((task) => task.key)));
  });

  it('announces a killed scheduler within a second, and a new one as another cluster', async () => {
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address);
    await source.start(sink);
    await sink.until('workers', () => sink.workers.size === 2);
    const killed = performance.now();
    await cluster.killScheduler();
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 1_000);
    assert.ok(performance.now() - killed < 1_000);
    cluster.log = '';
    await cluster.startScheduler();
    await sink.until('connected again', () => sink.links.at(-1)?.state === 'connected', 10_000);
    assert.equal(sink.clusters.length, 2);
    assert.notEqual(sink.clusters[1]!.id, sink.clusters[0]!.id);
    assert.deepEqual(sink.gaps, [], 'another cluster: nothing of it was missed');
    await driver.stop();
    cluster.addWorker();
    driver = await Driver.start(python, cluster.address);
    await driver.do('burst', { count: 20 });
    await sink.until('records', () => sink.of('quick').length === 20);
  });

  it('waits for a scheduler that is not there yet', async () => {
    await cluster.killScheduler();
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address);
    await source.start(sink, { wait: true });
    await sink.until('it says why', () => sink.links.some((link) => link.reason !== ''));
    assert.equal(sink.links.at(-1)!.state, 'connecting');
    cluster.log = '';
    await cluster.startScheduler();
    await sink.until('connected', () => sink.links.at(-1)?.state === 'connected');
    assert.equal(sink.clusters.length, 1);
    await source.close();
    const { length } = sink.kinds;
    await pause(300);
    assert.equal(sink.kinds.length, length, 'a closed source is silent');
  });

  it('leaves the scheduler a clean log when that shuts down', async () => {
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address);
    await source.start(sink);
    await driver.stop();
    await end(cluster.scheduler, 'SIGINT');
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 1_000);
    assert.doesNotMatch(cluster.log, /Traceback|ERROR/, version);
  });
});

it('a scheduler that does not even say what it is lets nobody in', async () => {
  const env = { DASK_DISTRIBUTED__SCHEDULER__BLOCKED_HANDLERS: '["feed", "run_function", "identity"]' };
  await using cluster = await DaskCluster.start({ python: NEWEST_DASK.python, workers: 0, env });
  assert.equal(await codeOf(cluster.address), 'AGENT_REFUSED');
});

describe.each(DASK_VERSIONS)('a task that dies with its worker on Dask $version', ({ python }) => {
  it('is an erred record without startstops', async () => {
    await using harness = await DaskHarness.start({
      python,
      env: { DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES: '0' },
    });
    const sink = new RecordingSink();
    await using source = harness.createSource();
    await source.start(sink);
    const hanging = await harness.hang();
    await sink.until('it runs', () => sink.running.has(hanging.key));
    await hanging.killWorker();
    await sink.until('its record', () => sink.of('hang').length > 0);
    const [task] = sink.of('hang');
    assert.equal(task!.status, 'erred');
    assert.equal(task!.worker, hanging.worker);
    assert.deepEqual(task!.startstops, []);
    assert.match(task!.error!.exception, /KilledWorker/);
    await sink.until('its worker is gone', () => sink.removed.includes(hanging.worker));
    assert.ok(!sink.running.has(hanging.key));
    assert.ok(!sink.lost.includes(hanging.key), 'its end is told once');
    await hanging.stop();
  });
});
