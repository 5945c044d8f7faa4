import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterActionName } from '../../src/model/cluster-action.ts';
import type { DaskSource } from '../../src/source/dask/dask-source.ts';
import { RecordingSink } from '../../src/source/recording-sink.ts';
import { until } from '../support/until.ts';
import { CONFORMANCE_VERSIONS, type DaskCluster, type Driver, NEWEST_DASK } from './cluster.ts';
import { DaskHarness } from './dask-harness.ts';

interface Seen {
  readonly modules: readonly string[];
  readonly plugins: number;
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Both the scheduler and its workers look at every step whether all is as it has to be. */
const VALIDATE = { DASK_DISTRIBUTED__SCHEDULER__VALIDATE: 'True', DASK_DISTRIBUTED__WORKER__VALIDATE: 'True' };

describe.each(CONFORMANCE_VERSIONS)('on Dask $version', ({ python, version }) => {
  const oldest = version < '2023.1.1';
  let harness: DaskHarness;
  let cluster: DaskCluster;
  let driver: Driver;
  let source: DaskSource;
  const sink = new RecordingSink();

  beforeAll(async () => {
    harness = await DaskHarness.start({ python, threads: 1, env: VALIDATE });
    ({ cluster, driver } = harness);
    source = harness.createSource();
    await source.start(sink);
  });
  afterAll(async () => {
    await source?.close();
    await harness?.[Symbol.asyncDispose]();
  });

  const act = (name: ClusterActionName, target: string): Promise<string> => source.actions.run({ name, target });
  const refusal = (name: ClusterActionName, target: string): Promise<unknown> =>
    act(name, target).then(
      (done) => `done: ${done}`,
      (error: unknown) => (error instanceof Error ? error.message : error),
    );
  const runs = (key: string): number => sink.tasks.filter((task) => task.key === key).length;
  const look = (): Promise<Seen> => driver.do<Seen>('look');
  /** Until what we count is what the scheduler counts. */
  const agree = async (prefix: string): Promise<void> => {
    await until(`counts of ${prefix}`, async () => {
      const theirs = (await look()).states[prefix] ?? {};
      const ours = sink.counts.get(prefix);
      if (ours === undefined) return false;
      const { forgotten: _, nbytes: __, ...states } = ours;
      return Object.entries(states).every(([state, count]) => count === (theirs[state] ?? 0));
    });
  };

  test('what can be done is said', () => {
    expect(source.actions.names.includes('rerun-task')).toBe(true);
    expect(source.actions.names.includes('restart-task')).toBe(!oldest);
  });

  test('a finished task runs again with what it needs; both runs are recorded, and the counts are those of the scheduler', async () => {
    const { token, data, result } = await driver.do<{ token: string; data: string; result: number }>('chain');
    expect(result).toBe(16);
    await sink.until('records', () => runs('chain-d') === 1 && runs("('chain', 1)") === 1);
    await until('let go', async () => (await look()).states['chain-a']?.released === 1);
    const before = await look();
    expect(await act('rerun-task', 'chain-d')).toBe('its result was dropped, and it runs again with 2 that it needs');
    expect(await driver.do('result', { token, index: 1 })).toBe(16);
    await sink.until('their second runs', () => ['chain-a', "('chain', 1)", 'chain-d'].every((key) => runs(key) === 2));
    for (const prefix of ['chain', 'chain-a', 'chain-d']) await agree(prefix);
    expect(await driver.do('result', { token, index: 0 })).toBe(7);

    expect(await refusal('rerun-task', data)).toContain('it was scattered');
    expect(await refusal('rerun-task', 'chain-actor')).toContain('it is an actor');
    expect(await refusal('rerun-task', 'chain-a')).toContain('nobody needs its result');
    expect(await refusal('rerun-task', 'never heard of')).toContain('no task of that key');
    expect(await driver.do('result', { token, index: 0 })).toBe(7);
    const { modules, plugins } = await look();
    expect({ modules, plugins }).toEqual({ modules: before.modules, plugins: before.plugins });
    expect(modules).toEqual([]);
  });

  test('a running task begins anew on the other worker, and its first run is ignored', async () => {
    const { key, worker, directory } = await driver.do<{ key: string; worker: string; directory: string }>('hang');
    expect(await refusal('rerun-task', key)).toContain('it is running');
    if (oldest) {
      expect(await refusal('restart-task', key)).toContain('cannot tell');
    } else {
      expect(await act('restart-task', key)).toMatch(/^it begins anew on w\d, and what runs on w\d is ignored$/);
      await sink.until('it runs elsewhere', () => {
        const running = sink.running.get(key);
        return running !== undefined && sink.tables.worker[running.worker] !== worker;
      });
    }
    writeFileSync(path.join(directory, 'stop'), '');
    await sink.until('it finished', () => runs(key) === 1);
    const { worker: at } = sink.tasks.findLast((task) => task.key === key)!;
    expect(at === worker).toBe(oldest);
    expect(await refusal('restart-task', key)).toContain('it has finished');
    await agree('hang');
    expect(await act('rerun-task', key)).toBe('its result was dropped, and it runs again');
    await sink.until('its second run', () => runs(key) === 2);
    await agree('hang');
    expect(cluster.log).not.toMatch(/Traceback|AssertionError/);
  });
});

test('a scheduler that runs no functions is not asked to', async () => {
  const env = { DASK_DISTRIBUTED__SCHEDULER__BLOCKED_HANDLERS: JSON.stringify(['run_function']) };
  await using harness = await DaskHarness.start({ ...NEWEST_DASK, env });
  await using source = harness.createSource();
  await source.start(new RecordingSink());
  expect(source.actions.names).toEqual(['restart-worker', 'retire-worker', 'cancel-task', 'retry-task']);
});
