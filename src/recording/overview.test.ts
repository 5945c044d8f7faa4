import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { attach, finishedOf, type Row } from '../store/history.fixture.ts';
import { Tables } from './export/tables.ts';
import { eventsFile, journalFile } from './files/format.ts';
import { enforceRetention, listRecordings } from './library.ts';
import { RecordingIndex } from './overview.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';
import { RunList } from './run-list.ts';
import { Scratch } from './scratch.fixture.ts';
import { recordingStats } from './stats.ts';

const BEGIN = 1_790_000_000;
const WORKERS = ['tcp://10.0.0.1:4001', 'tcp://10.0.0.2:4001'];

function row(n: number, fn = n % 3 === 0 ? 'add' : 'inc'): Row {
  return {
    key: `${fn}-${n}`,
    fn,
    worker: WORKERS[n % 2]!,
    thread: 1,
    compute: [BEGIN + n, BEGIN + n + 0.5],
    ...(n % 5 === 0 && { status: 'erred' as const }),
  };
}

/** Records tasks [from, to), a tick each, in `directory`; `past`: the first tick brings these once more, from the scheduler's buffer. */
async function record(
  directory: string,
  [from, to]: readonly [number, number],
  options: Partial<RecorderOptions> & { past?: readonly [number, number]; id?: string } = {},
): Promise<Recorder> {
  const { past, id = path.basename(directory), ...others } = options;
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => directory,
    ...others,
  });
  attach(recorder, id, BEGIN + from);
  if (past !== undefined) {
    const rows = Array.from({ length: past[1] - past[0] }, (_, i) => row(past[0] + i));
    recorder.accept({ kind: 'tick', time: BEGIN + from + 0.2, finished: finishedOf(recorder, rows, true) });
  }
  for (let n = from; n < to; n++) {
    recorder.accept({ kind: 'tick', time: BEGIN + n + 0.9, finished: finishedOf(recorder, [row(n)]) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return recorder;
}

/** However busy the machine is. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 20_000 });

let scratch: Scratch;
beforeEach(async () => {
  const made = await Scratch.make();
  scratch = made;
  return () => made[Symbol.asyncDispose]();
});

describe('the overview of a folder of recordings', () => {
  it('says of each what a replay of it says, sealed or not, however many processes wrote it', async () => {
    const directory = scratch.join('Scheduler-1');
    await (await record(directory, [0, 25], { limits: { tasks: 10 } })).close();
    // Another process: the scheduler still remembers the last ten, and three that nobody saw.
    await (await record(directory, [28, 40], { limits: { tasks: 10 }, past: [15, 28] })).close();
    const writer = await record(directory, [60, 70]);
    await eventually(async () => (await new RecordingIndex(scratch.path).list())[0]?.tasks).toBe(50);
    const index = new RecordingIndex(scratch.path);
    const [overview] = await index.list();
    const { summary } = await recordingStats(directory);
    expect(overview).toMatchObject({
      id: 'Scheduler-1',
      manifest: { engine: 'dask', id: 'Scheduler-1', since: BEGIN },
      since: BEGIN,
      until: BEGIN + 69.9,
      tasks: summary.tasks,
      erred: summary.erred,
      missed: summary.missed,
      functions: summary.functions.map(({ name, tasks, erred }) => ({ name, tasks, erred })),
      live: true,
      pinned: false,
      unreadable: 0,
      runs: [
        { start: BEGIN, stop: BEGIN + 39.5, tasks: 40 },
        { start: BEGIN + 60, stop: BEGIN + 69.5, tasks: 10 },
      ],
    });
    expect([...overview!.workers].sort()).toEqual([...summary.workers].sort());
    expect(overview!.bytes).toBeGreaterThan(1_000);
    await writer.close();
    // The same index follows: the journal is sealed now.
    expect((await index.list())[0]).toMatchObject({ tasks: 50, live: false, runs: overview!.runs });
  });

  it('counts a journal as it grows, and not what is torn off its end', async () => {
    const directory = scratch.join('a');
    const writer = await record(directory, [0, 5], { seal: async () => null });
    const index = new RecordingIndex(scratch.path);
    await eventually(async () => (await index.list())[0]?.tasks).toBe(5);
    writer.accept({ kind: 'tick', time: BEGIN + 9, finished: finishedOf(writer, [row(5), row(6)]) });
    await eventually(async () => (await index.list())[0]?.tasks).toBe(7);
    await writer.close();
    const file = journalFile(directory, 1);
    await truncate(file, (await readFile(file)).length - 3);
    const [torn] = await new RecordingIndex(scratch.path).list();
    expect(torn).toMatchObject({ tasks: 5, live: false });
  });

  it('says which segments it cannot read, and counts the others', async () => {
    const directory = scratch.join('a');
    await (await record(directory, [0, 20], { limits: { tasks: 5 } })).close();
    await appendFile(eventsFile(directory, 2), 'x');
    await writeFile(eventsFile(directory, 3), '');
    expect(await new RecordingIndex(scratch.path).list()).toMatchObject([{ tasks: 10, unreadable: 2 }]);
  });

  it('passes over what is no recording', async () => {
    await mkdir(scratch.join('empty'));
    await mkdir(scratch.join('foreign'));
    await writeFile(scratch.join('foreign', 'recording.json'), '{"format":"taskglass recording","formatVersion":99}');
    await writeFile(scratch.join('file'), '');
    await (await record(scratch.join('a'), [0, 3])).close();
    expect((await new RecordingIndex(scratch.path).list()).map(({ id }) => id)).toEqual(['a']);
    expect(await new RecordingIndex(scratch.join('nowhere')).list()).toEqual([]);
  });

  it('waits for no pipe, reads nothing that is too large, and follows no link', async () => {
    for (const name of ['a', 'pipe', 'folder', 'huge', 'locked'])
      await (await record(scratch.join(name), [0, 3])).close();
    for (const file of [scratch.join('pipe', 'recording.json'), scratch.join('locked', 'lock')]) {
      await rm(file, { force: true });
      execFileSync('mkfifo', [file]);
    }
    await rm(scratch.join('folder', 'recording.json'));
    await mkdir(scratch.join('folder', 'recording.json'));
    await truncate(scratch.join('huge', 'recording.json'), 2 ** 31);
    const index = new RecordingIndex(scratch.path);
    expect((await index.list()).map(({ id }) => id).sort()).toEqual(['a', 'locked']);
    const listed = await listRecordings(scratch.path);
    expect(listed.map(({ directory }) => path.basename(directory)).sort()).toEqual(['a', 'locked']);
    await expect(index.delete('pipe')).rejects.toThrow('no file');
    const writer = await record(scratch.join('pipe'), [0, 3]);
    expect(writer.status.state).toBe('stopped');
    await writer.close();

    await writeFile(scratch.join('mine'), 'mine');
    for (const name of ['pinned', 'lock']) {
      await rm(scratch.join('a', name), { force: true });
      await symlink(scratch.join(name === 'lock' ? 'mine' : 'nothing'), scratch.join('a', name));
    }
    await expect(index.pin('a', true)).rejects.toMatchObject({ code: 'RECORDING_FAILED' });
    await index.delete('a');
    expect(await readFile(scratch.join('mine'), 'utf8')).toBe('mine');
    expect(existsSync(scratch.join('nothing'))).toBe(false);
  });

  it('lists those that are being written first, then the latest', async () => {
    await (await record(scratch.join('old'), [0, 3])).close();
    await (await record(scratch.join('new'), [500, 503])).close();
    const writer = await record(scratch.join('now'), [100, 103]);
    expect((await new RecordingIndex(scratch.path).list()).map(({ id }) => id)).toEqual(['now', 'new', 'old']);
    await writer.close();
  });
});

describe('what one may do with a recording', () => {
  it('is pinned and unpinned, and a pinned one outlives what is too many', async () => {
    await (await record(scratch.join('a'), [0, 3])).close();
    const index = new RecordingIndex(scratch.path);
    await index.pin('a', true);
    expect(await index.list()).toMatchObject([{ id: 'a', pinned: true }]);
    await enforceRetention(scratch.path, { maxAge: 0, maxSize: 0, maxCount: 0 });
    expect(await index.list()).toHaveLength(1);
    await index.pin('a', false);
    await index.pin('a', false);
    expect(await index.list()).toMatchObject([{ id: 'a', pinned: false }]);
  });

  it('is deleted whole, unless somebody writes it', async () => {
    const writer = await record(scratch.join('a'), [0, 3]);
    const index = new RecordingIndex(scratch.path);
    expect(await index.list()).toMatchObject([{ id: 'a', live: true }]);
    await expect(index.delete('a')).rejects.toMatchObject({ code: 'RECORDING_IN_USE' });
    await writer.close();
    await index.delete('a');
    expect(await index.list()).toEqual([]);
    expect(await readdir(scratch.path)).toEqual([]);
    await expect(index.delete('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    '..',
    '.',
    '',
    '../out',
    '..%2fout',
    'a/../../out',
    '/etc',
    '.hidden',
    'a\0',
    'a\\..',
    'b',
    'x'.repeat(200),
  ])('no name leads out of the folder: %j', async (id) => {
    await (await record(scratch.join('out'), [0, 3])).close();
    await mkdir(scratch.join('in'));
    const index = new RecordingIndex(scratch.join('in'));
    await expect(index.pin(id, true)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(index.delete(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(() => index.directoryOf(id)).toThrow('there is no recording of that name');
    expect(await new RecordingIndex(scratch.path).list()).toMatchObject([{ id: 'out', pinned: false, tasks: 3 }]);
  });

  it('of a link the link alone is deleted, and a folder that is no recording never', async () => {
    await (await record(scratch.join('elsewhere', 'a'), [0, 3])).close();
    await mkdir(scratch.join('in', 'mine'), { recursive: true });
    await writeFile(scratch.join('in', 'mine', 'recording.json'), '{"my":"own"}');
    await symlink(scratch.join('elsewhere', 'a'), scratch.join('in', 'a'));
    const index = new RecordingIndex(scratch.join('in'));
    await index.delete('a');
    expect(await readdir(scratch.join('in'))).toEqual(['mine']);
    expect(await new RecordingIndex(scratch.join('elsewhere')).list()).toMatchObject([{ id: 'a', tasks: 3 }]);
    await expect(index.delete('mine')).rejects.toMatchObject({ code: 'NOT_A_RECORDING' });
    expect(await readdir(scratch.join('in'))).toEqual(['mine']);
  });
});

test('runs join wherever no more than ten seconds lie between, in whatever order they come', () => {
  const runs = new RunList();
  for (const [start, stop] of [
    [100, 101],
    [50, 51],
    [75, 76],
    [111, 112],
    [60, 66],
    [200, 201],
  ] as const)
    runs.add({ start, stop, tasks: 1, erred: 0 });
  expect(runs.runs).toEqual([
    { start: 50, stop: 76, tasks: 3, erred: 0 },
    { start: 100, stop: 112, tasks: 2, erred: 0 },
    { start: 200, stop: 201, tasks: 1, erred: 0 },
  ]);
  runs.add({ start: 70, stop: 95, tasks: 1, erred: 1 });
  expect(runs.runs[0]).toEqual({ start: 50, stop: 112, tasks: 6, erred: 1 });
});
