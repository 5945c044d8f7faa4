import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { it } from 'vitest';
import { isRecord } from '../../src/source/dask/comm/msgpack.ts';
import { pickleExpression } from '../../src/source/dask/comm/pickle.ts';
import { deserialize, Rpc, Serialized } from '../../src/source/dask/index.ts';
import { CONFORMANCE_VERSIONS, DaskCluster } from './cluster.ts';

/** The one that has the packages for compression. */
const { python } = CONFORMANCE_VERSIONS.at(-1)!;
const SIZE = 100_000;

// We offer no compression, but what the scheduler forwards unopened comes as the worker packed it for the scheduler. Processes on
// one address do not compress, so the worker has another.
it.each(['lz4', 'snappy', 'zstd', 'zlib'])(
  'frames that were packed with %s for somebody else are read',
  async (name) => {
    const env = { DASK_DISTRIBUTED__COMM__COMPRESSION: name };
    await using cluster = await DaskCluster.start({ python, workers: 1, workerHost: '127.0.0.2', env });
    using rpc = new Rpc(cluster.address);
    const msg = {
      op: 'run',
      function: pickleExpression(`lambda: {"text": "task " * ${SIZE / 5}}`),
    };
    let replies: unknown[] = [];
    for (const deadline = Date.now() + 60_000; replies.length === 0; await pause(50)) {
      assert.ok(Date.now() < deadline, 'the worker comes');
      replies = Object.values((await rpc.call('broadcast', { msg })) as object);
    }
    const [reply] = replies;
    assert.ok(isRecord(reply) && reply.result instanceof Serialized);
    const { header, frames } = reply.result;
    assert.deepEqual(header.compression, [name]);
    assert.ok(frames.reduce((sum, frame) => sum + frame.length, 0) < SIZE / 2, 'it came compressed');
    const value = await deserialize(reply.result);
    assert.ok(isRecord(value));
    assert.equal(value.text, 'task '.repeat(SIZE / 5));
  },
  120_000,
);
