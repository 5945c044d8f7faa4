import { deserialize, serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../test/engine/built.ts';
import { Feed } from '../engine/dashboard/feed.ts';
import { RemoteCluster } from '../engine/dashboard/remote-cluster.ts';
import { type Client, type Future, LocalCluster, runExample, taskOptions } from '../engine/index.ts';
import { CONFORMANCE, type ConformanceHarness } from './conformance.ts';
import { EmbeddedSource } from './embedded.ts';
import { RecordedSource } from './recorded.fixture.ts';
import { RecordingSink } from './recording-sink.ts';

const inc = (x: number) => x + 1;
const dec = (x: number) => x - 1;
const add = (x: number, y: number) => x + y;
const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);
const snooze = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
const fail = (message: string) => {
  throw new Error(message);
};
const make = () => new Uint8Array(100_000);
const use = (data: Uint8Array) => data.length;
const hang = () => new Promise<never>(() => setInterval(() => {}, 1000));

/** The cluster, its other end as the process of the pages has it, and what is recorded of it. */
describe.each(['here', 'from another process', 'through its recording'])(
  'the embedded engine as a source, watched %s',
  (where) => {
    let cluster: LocalCluster;
    let client: Client;
    let remote: RemoteCluster | null = null;
    const watched = () => remote ?? cluster;

    beforeAll(async () => {
      ensureBuilt();
      cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 2, dashboard: false });
      client = cluster.client();
      if (where === 'from another process') remote = otherEnd(cluster);
    }, 60_000);
    afterAll(() => cluster?.close());

    const harness: ConformanceHarness = {
      engine: where === 'through its recording' ? 'recording' : 'embedded',
      workers: 2,
      threadsPerWorker: 2,
      createSource: () => {
        const source = new EmbeddedSource(watched());
        return where === 'through its recording' ? new RecordedSource(source) : source;
      },
      async example() {
        const incs = client.map(inc, Array(100).keys());
        const decs = client.map(dec, Array(100).keys());
        const adds = client.map(add, incs, decs);
        const total = client.submit(sum, adds);
        expect(await total.result()).toBe(9900);
        return {
          release: async () => {
            for (const future of [...incs, ...decs, ...adds]) future.release();
          },
          releaseAll: async () => total.release(),
        };
      },
      async fail(message) {
        await client.submit(fail, message).wait();
      },
      async transfer() {
        const made = client.submit(make, taskOptions({ workers: '0' }));
        await client.submit(use, made, taskOptions({ workers: '1' })).result();
      },
      async snooze(seconds) {
        await client.submit(snooze, seconds).result();
      },
      async hang() {
        const future: Future = client.submit(hang);
        const worker = await placeOf(future);
        return {
          key: future.key,
          worker: worker.address,
          killWorker: async () => {
            process.kill(worker.pid, 'SIGKILL');
          },
          stop: async () => future.cancel(),
        };
      },
      traces: async () => watched().observers,
    };

    async function placeOf(future: Future): Promise<{ address: string; pid: number }> {
      for (;;) {
        const { worker, runningSince } = future.task;
        if (worker !== null && runningSince > 0) return worker;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    for (const scenario of CONFORMANCE) it(scenario.name, () => scenario.run(harness), 60_000);

    it('tells the example of the demo with real transfers', async () => {
      const source = new EmbeddedSource(watched());
      const sink = new RecordingSink();
      await source.start(sink);
      expect(await runExample(client)).toBe(9900);
      const records = () => ['inc', 'dec', 'add', 'sum'].map((fn) => sink.of(fn).length);
      await sink.until('301 records', () => records().reduce((all, n) => all + n, 0) >= 301);
      expect(records()).toEqual([100, 100, 100, 1]);
      const transfers = sink
        .of('add')
        .flatMap((task) => task.startstops.filter((slice) => slice.action === 'transfer'));
      expect(transfers.length).toBeGreaterThan(10);
      expect(transfers.every((slice) => slice.origin !== '' && slice.stop > slice.start)).toBe(true);
      await source.close();
    }, 60_000);

    it('says that the link is lost when the cluster closes', async () => {
      const own = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, dashboard: false });
      const there = where === 'here' ? own : otherEnd(own);
      const source = new EmbeddedSource(there);
      const sink = new RecordingSink();
      await source.start(sink);
      await own.close();
      if (there instanceof RemoteCluster) there.receive({ op: 'closed' });
      expect(sink.links.at(-1)).toMatchObject({ state: 'lost', reason: 'the cluster was closed' });
      expect(there.observers).toBe(0);
      await expect(new EmbeddedSource(there).start(sink)).rejects.toMatchObject({ code: 'CLUSTER_CLOSED' });
    }, 60_000);
  },
);

/** Every message takes the form in which it crosses a channel. */
function otherEnd({ core }: LocalCluster): RemoteCluster {
  const feed = new Feed(core);
  const remote: RemoteCluster = new RemoteCluster((message) => {
    if (message.op === 'taken') setImmediate(() => feed.taken());
  });
  feed.start((message) => {
    const bytes = serialize(message);
    setImmediate(() => remote.receive(deserialize(bytes) as Parameters<RemoteCluster['receive']>[0]));
  });
  return remote;
}
