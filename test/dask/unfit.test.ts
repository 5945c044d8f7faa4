import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { deserialize } from '../../src/source/dask/comm/deserialize.ts';
import { Serialized } from '../../src/source/dask/comm/message.ts';
import { isRecord } from '../../src/source/dask/comm/msgpack.ts';
import { pickleExpression } from '../../src/source/dask/comm/pickle.ts';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { Rpc } from '../../src/source/dask/index.ts';
import { RecordingSink } from '../../src/source/recording-sink.ts';
import { until } from '../support/until.ts';
import { DASK_VERSIONS, NEWEST_DASK } from './cluster.ts';
import { DaskHarness } from './dask-harness.ts';

const shipped = vi.hoisted(() => ({ edit: (text: string) => text }));
vi.mock(import('../../src/source/dask/agent-source.ts'), async (original) => {
  const { readAgentSource, ...rest } = await original();
  return { ...rest, readAgentSource: async () => shipped.edit(await readAgentSource()) };
});

/** An agent that some other Python or Dask cannot load or begin, and what it says of it. */
const UNFIT = [
  { how: 'is no Python there', edit: (text: string) => `${text}\nmatch = = 1\n`, says: /SyntaxError/ },
  {
    how: 'imports what is not there',
    edit: (text: string) => text.replace(/^import /m, 'from distributed.scheduler import NotThere\nimport '),
    says: /ImportError.*NotThere/,
  },
  { how: 'raises what has no text', edit: () => 'raise ValueError("\\ud800" * 5000)', says: /ValueError.*\\ud800/ },
  {
    how: 'does not set up',
    edit: (text: string) => `${text}\nAgent.tick = Agent.__init__ = None\n`,
    says: /TypeError/,
  },
  { how: 'lacks its beginning', edit: () => 'pass', says: /KeyError/ },
] as const;

const blocked = { DASK_DISTRIBUTED__SCHEDULER__BLOCKED_HANDLERS: JSON.stringify(['feed']) };
const CLUSTERS = [
  { ...NEWEST_DASK, route: 'feed', env: {} },
  { ...NEWEST_DASK, route: 'run_function', env: blocked },
  { ...DASK_VERSIONS[1], route: 'feed', env: {} },
] as const;

describe.each(CLUSTERS)('an agent that comes by $route to Dask $version', ({ route, python, env }) => {
  let harness: DaskHarness;
  beforeAll(async () => {
    harness = await DaskHarness.start({ python, env });
  }, 60_000);
  afterAll(() => harness?.[Symbol.asyncDispose]());

  /** Names of plugins and modules of ours in the scheduler, as Python writes a list. */
  async function ours(): Promise<string> {
    using rpc = new Rpc(harness.cluster.address);
    const seek =
      'lambda dask_scheduler: str([n for n in [*dask_scheduler.plugins, *__import__("sys").modules] if "taskglass" in n])';
    const reply = await rpc.call('run_function', { function: pickleExpression(seek) });
    assert.ok(isRecord(reply) && reply.result instanceof Serialized);
    return String(await deserialize(reply.result));
  }

  it.each(UNFIT)('and $how leaves no trace, and the cluster is polled', async ({ edit, says }) => {
    shipped.edit = edit;
    harness.cluster.log = '';
    const sink = new RecordingSink();
    await using source = new DaskSource(harness.cluster.address);
    await source.start(sink);
    await sink.until('workers', () => sink.workers.size === 2);
    assert.deepEqual(
      sink.clusters.map(({ mode }) => mode),
      ['polling'],
    );
    const said = sink.log.filter((line) => line.startsWith('agent: '));
    assert.equal(said.length, 1);
    assert.match(said[0]!, /^agent: cannot run on Dask 20\d\d\.[\d.]+, which is polled instead: /);
    assert.match(said[0]!, says);
    assert.ok(said[0]!.length < 1_200);
    assert.equal(await ours(), '[]');
    await until('the log until now', () => /out-of-band function '<?lambda/.test(harness.cluster.log));
    // How `run_function` comes is a line whatever comes of it; so is that `feed` is blocked.
    const expected = /out-of-band|while handling op feed|'feed' handler has been explicitly disallowed/;
    const lines = harness.cluster.log.split('\n').filter((line) => /ERROR|WARN|taskglass|Error/.test(line));
    const odd = route === 'feed' ? lines : lines.filter((line) => !expected.test(line));
    assert.deepEqual(odd, [], harness.cluster.log);
  });
});
