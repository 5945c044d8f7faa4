import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Child } from '../support/child.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

/** What the scheduler itself says: our plugins in it, and what its log holds. */
const AGENTS =
  "client.run_on_scheduler(lambda dask_scheduler: sum(name.startswith('taskglass') for name in dask_scheduler.plugins))";
const COMPLAINTS = "[text for level, text in client.get_scheduler_logs() if level in ('WARNING', 'ERROR', 'CRITICAL')]";

/** Our own process and our agent in trouble: the scheduler does not notice, and what was seen is kept. */
describe('Taskglass in trouble', () => {
  let cluster: DaskCluster;
  let driver: DaskDriver;

  beforeAll(async () => {
    cluster = await DaskCluster.start({ workers: 1, threads: 2 });
    driver = await cluster.client();
    await driver.run('def work(x):\n    return x\ndef more(x):\n    return x\ndef last(x):\n    return x');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const agents = (): Promise<number> => driver.run<number>(AGENTS);
  const total = async (taskglass: Taskglass, name: string): Promise<number> =>
    (await taskglass.api<{ total: number }>(`tasks?name=${name}&limit=1`)).total;
  const compute = (name: string, count: number): Promise<unknown> =>
    driver.run(`held_${name} = client.map(${name}, range(${count}), pure=False); wait(held_${name}); None`);

  test('two servers on one scheduler: both have everything; one is killed, which leaves the other and no trace', async () => {
    await using first = await Taskglass.start([cluster.address]);
    await using second = await Taskglass.start([cluster.address]);
    expect(await agents()).toBe(2);
    await compute('work', 2_000);
    for (const one of [first, second]) await until('all of them', async () => (await total(one, 'work')) === 2_000);
    await first.child.kill();
    await until('its agent is gone', async () => (await agents()) === 1, { within: 2_000 });
    await compute('more', 500);
    await until('the other goes on', async () => (await total(second, 'more')) === 500);
    expect((await second.api<{ gaps: unknown[] }>('runs')).gaps).toEqual([]);
    await second.child.kill();
    await until('nothing of ours is left', async () => (await agents()) === 0, { within: 2_000 });
    expect(await driver.run<string[]>(COMPLAINTS)).toEqual([]);
  });

  test('killed with kill -9: its history is read again', async () => {
    const folder = `${cluster.folder}/recordings`;
    {
      await using taskglass = await Taskglass.start([cluster.address, '--record-dir', folder]);
      await compute('last', 300);
      await until('all of them', async () => (await total(taskglass, 'last')) === 300);
      await taskglass.child.kill('SIGKILL');
    }
    const [recording = ''] = readdirSync(folder);
    await using stats = new Child(process.execPath, ['dist/cli.js', 'stats', `${folder}/${recording}`, '--json']);
    expect(await stats.ended()).toBe(0);
    expect(JSON.parse(stats.output)).toMatchObject({ summary: { tasks: 300, missed: 0 }, damages: [] });
  });

  test('killed with kill -9 in the middle of a burst: what it had seen is read again, each task once', async () => {
    const folder = `${cluster.folder}/burst-recordings`;
    await driver.run('def burst(x):\n    return x');
    let seen = 0;
    {
      await using taskglass = await Taskglass.start([cluster.address, '--record-dir', folder]);
      const running = compute('burst', 4_000);
      await until('some of them', async () => {
        seen = await total(taskglass, 'burst');
        return seen > 0;
      });
      await taskglass.child.kill('SIGKILL');
      await running;
    }
    const [recording = ''] = readdirSync(folder);
    await using reopened = await Taskglass.start(['open', `${folder}/${recording}`]);
    const { tasks } = await until('it is read', async () => {
      const { link } = await reopened.api<{ link: string }>('cluster');
      return link !== 'connected'
        ? null
        : await reopened.api<{ tasks: { key: string }[] }>('tasks?name=burst&limit=10000');
    });
    // At most what came with the last tick was not written yet.
    expect(tasks.length).toBeGreaterThan(0);
    expect(tasks.length).toBeLessThanOrEqual(4_000);
    expect(new Set(tasks.map(({ key }) => key)).size).toBe(tasks.length);
    expect(seen).toBeGreaterThan(0);
  });

  test('an agent that fails again and again detaches; the scheduler does not notice, and we come back', async () => {
    await using taskglass = await Taskglass.start([cluster.address]);
    await driver.run(
      `def sabotage(dask_scheduler):
    for name, plugin in dask_scheduler.plugins.items():
        if name.startswith('taskglass'):
            def broken(*args, **kwargs):
                raise RuntimeError('sabotage')
            plugin._tick = plugin.intake._absorb = broken
client.run_on_scheduler(sabotage)`,
    );
    // Another one is attached, which is not broken.
    await compute('work', 200);
    await until(
      'it counts again',
      async () => (await taskglass.api<{ link: string }>('cluster')).link === 'connected' && (await agents()) === 1,
    );
    const { gaps } = await until('what was missed is said', async () => {
      const answer = await taskglass.api<{ gaps: { size: number | null }[] }>('runs');
      const missed = answer.gaps.reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
      return missed + (await total(taskglass, 'work')) === 200 ? answer : null;
    });
    expect(gaps.length).toBeLessThanOrEqual(12);
    expect(await driver.run('client.submit(sum, [1, 2]).result()')).toBe(3);
    expect(await driver.run<string[]>(COMPLAINTS)).toEqual([]);
  });
});
