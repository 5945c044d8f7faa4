import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { venvCommand } from '../../scripts/lib/python.mjs';
import { Tables } from '../../src/recording/export/tables.ts';
import { RecordingReader } from '../../src/recording/reader.ts';
import { replay } from '../../src/recording/replay.ts';
import { Scratch } from '../../src/recording/scratch.fixture.ts';
import { Child } from '../support/child.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

const CLI = 'dist/cli.js';
const EXAMPLE = { inc: 100, dec: 100, add: 100, sum: 1 };

let scratch: Scratch;
beforeAll(async () => {
  await build();
  scratch = await Scratch.make();
});
afterAll(() => scratch?.[Symbol.asyncDispose]());

async function run(...args: string[]): Promise<{ status: number | null; output: string }> {
  await using child = new Child(process.execPath, [CLI, ...args]);
  return { status: await child.ended(), output: child.output };
}

async function keysOf(directory: string): Promise<string[]> {
  const reader = await RecordingReader.open(directory);
  const keys: string[] = [];
  for await (const event of replay(reader, new Tables().intern)) {
    if (event.kind === 'tick') keys.push(...(event.finished?.keys ?? []));
  }
  expect(reader.damages.filter(({ torn }) => !torn)).toEqual([]);
  return keys;
}

/** Ticks of Dask are at least so far apart. */
const TICK = 100;

test.each([
  ['as fast as they can be written', 0],
  ['as a cluster sends them', TICK],
])('kill -9 at any moment loses at most the last tick, and the next recorder goes on: ticks %s', async (_, every) => {
  const directory = scratch.join(`killed-${every}`);
  let before = 0;
  for (let round = 0; round < 5; round++) {
    await using child = new Child(process.execPath, ['test/recording/writer.fixture.mjs', directory, String(every)]);
    await child.printed(/written [1-9]/);
    await pause(Math.random() * Math.max(700, 12 * every));
    child.signal('SIGKILL');
    await child.ended();
    const last = (what: string): number =>
      Number([...child.output.matchAll(new RegExp(`^${what} (\\d+)\n`, 'gm'))].at(-1)?.[1]);
    const [accepted, written] = [last('accepted'), last('written')];
    const keys = await keysOf(directory);
    const said = `round ${round}, ${accepted} accepted, ${written} said to be written`;
    expect(keys.length - before, said).toBeGreaterThanOrEqual(written);
    // Where they come one on another, a few wait for the write that is under way.
    if (every > 0) expect(keys.length - before, said).toBeGreaterThanOrEqual(accepted - 1);
    // Each process counts from 0: nothing is missing in between.
    expect(keys.slice(before)).toEqual(Array.from({ length: keys.length - before }, (_, n) => `inc-${n}`));
    before = keys.length;
  }
});

describe('a demo that was recorded and killed', () => {
  let directory: string;

  beforeAll(async () => {
    const folder = scratch.join('recordings');
    const args = ['demo', '--workers', '2', '--threads-per-worker', '2', '--record-dir', folder];
    await using taskglass = await Taskglass.start(args);
    await until(
      'the example ran',
      async () => {
        const { functions } = await taskglass.api<{ functions: { name: string; released: number }[] }>('progress');
        return (
          functions.every(({ name, released }) => released === EXAMPLE[name as keyof typeof EXAMPLE]) &&
          functions.length === 4
        );
      },
      { within: 90_000 },
    );
    taskglass.child.signal('SIGKILL');
    await taskglass.child.ended();
    const [id] = await readdir(folder);
    directory = scratch.join('recordings', id!);
  });

  test('is shown by taskglass open, with no cluster', async () => {
    await using taskglass = await Taskglass.start(['open', directory]);
    await until('all is read', async () => (await taskglass.api<{ link: string }>('cluster')).link === 'connected');
    expect(await taskglass.api('cluster')).toMatchObject({ engine: 'recording', agent: { mode: 'recording' } });
    const { total } = await taskglass.api<{ total: number }>('tasks?limit=1');
    expect(total).toBe(301);
    const { functions } = await taskglass.api<{ functions: { name: string; released: number }[] }>('progress');
    expect(Object.fromEntries(functions.map(({ name, released }) => [name, released]))).toEqual(EXAMPLE);
    taskglass.child.signal('SIGTERM');
    expect(await taskglass.child.ended()).toBe(0);
  });

  test('is summed up, and exported as text, from its journal', async () => {
    const { status, output } = await run('stats', directory, '--json');
    expect(status).toBe(0);
    const { recording, summary, bytes } = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1));
    // So few tasks have no index.
    expect(bytes).toEqual({ segments: expect.any(Number), index: 0 });
    expect(bytes.segments).toBeGreaterThan(1_000);
    expect(recording).toMatchObject({ engine: 'embedded' });
    expect(summary).toMatchObject({ tasks: 301, erred: 0 });
    expect(summary.functions.map(({ name, tasks }: { name: string; tasks: number }) => [name, tasks]).sort()).toEqual(
      Object.entries(EXAMPLE).sort(),
    );
    expect((await run('stats', directory)).output).toMatch(/^function +tasks[\s\S]*^inc +100 /m);

    for (const name of ['tasks.ndjson', 'tasks.csv', 'trace.json', 'tasks.parquet', 'tasks.arrow', 'report.html']) {
      expect((await run('export', directory, '-o', scratch.join(name))).output).toContain('Wrote 301 tasks');
    }
    const lines = (await readFile(scratch.join('tasks.ndjson'), 'utf8')).trimEnd().split('\n');
    const tasks = lines.map((line) => JSON.parse(line) as { key: string; startstops: { action: string }[] });
    expect(new Set(tasks.map(({ key }) => key)).size).toBe(301);
    const csv = (await readFile(scratch.join('tasks.csv'), 'utf8')).trimEnd().split('\r\n');
    expect(csv).toHaveLength(302);
    const trace = JSON.parse(await readFile(scratch.join('trace.json'), 'utf8'));
    const slices = tasks.flatMap((task) => task.startstops);
    const counted = (phase: string) => trace.traceEvents.filter(({ ph }: { ph: string }) => ph === phase).length;
    expect(counted('X')).toBe(301);
    expect([counted('b'), counted('e')]).toEqual([slices.length - 301, slices.length - 301]);
  });

  test('is exported in part', async () => {
    const inc = await run('export', directory, '--name', 'inc', '--status', 'memory', '--format', 'ndjson');
    expect(inc.output.trimEnd().split('\n')).toHaveLength(EXAMPLE.inc);
    const pattern = ['--text', '^inc-', '--regex', '--status', 'memory', '--min-duration', '0', '--format', 'ndjson'];
    expect((await run('export', directory, ...pattern)).output).toBe(inc.output);
    expect(await run('export', directory, '--max-duration', '0')).toMatchObject({ status: 0, output: '' });
    const broken = await run('export', directory, '--text', '(', '--regex');
    expect(broken).toMatchObject({ status: 1, output: expect.stringContaining('error QUERY_INVALID') });
    const none = await run('export', directory, '--until', '2001-01-01T00:00:00Z', '--format', 'csv');
    expect(none.output.trimEnd().split('\r\n')).toHaveLength(1);
    const wrong = await run('export', directory, '--since', 'yesterday');
    expect(wrong).toMatchObject({ status: 1, output: expect.stringContaining('Write a time as') });
  });

  test('is refused with a line of advice where it is none', async () => {
    for (const args of [
      ['stats', '/nowhere'],
      ['open', scratch.path, '--port', '0'],
      ['export', scratch.path],
    ]) {
      expect(await run(...args)).toMatchObject({
        status: 1,
        output: expect.stringMatching(/^error NOT_A_RECORDING: .*\n.+\n$/),
      });
    }
    expect((await run('open', scratch.join('recordings'))).output).toContain(`taskglass open ${directory}`);
    expect((await run('open', scratch.join('tasks.parquet'))).output).toContain('an export cannot be opened');
  });

  test('is read by pandas, pyarrow and DuckDB, sealed and as an export', async () => {
    const { sealJournal } = await import('../../src/recording/sealing/seal.ts');
    for (const name of await readdir(`${directory}/journal`)) await sealJournal(directory, Number.parseInt(name, 10));
    const { stdout } = await promisify(execFile)(venvCommand('python'), [
      'test/recording/check.py',
      directory,
      scratch.join('tasks.parquet'),
      scratch.join('tasks.arrow'),
    ]);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({
      pyarrow: 301,
      arrow: 'as the Parquet file',
      pandas: EXAMPLE,
      duckdb: EXAMPLE,
      // Of more dependencies than are told, all are counted.
      links: { 'inc -> add': 100, 'dec -> add': 100, 'add -> sum': 64 },
      needs: 300,
      waits: true,
      types: { thread: 'int64', start: 'datetime64[us, UTC]', nbytes: 'int64', past: 'bool' },
    });
    const { summary } = JSON.parse((await run('stats', directory, '--json')).output);
    expect(found.start).toBeCloseTo(summary.start, 5);
    expect(found.transfers).toBeGreaterThan(0);
    expect(found.startstops).toBeGreaterThan(301);
  });
});
