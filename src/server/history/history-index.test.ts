import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { StringTableName } from '../../model/source-event.ts';
import { type Step, stepArbitrary, tell } from '../../recording/random-history.fixture.ts';
import { Recorder, type RecorderOptions } from '../../recording/recorder.ts';
import { Scratch } from '../../recording/scratch.fixture.ts';
import { RecordingSource } from '../../source/recording.ts';
import { contents } from '../../store/contents.fixture.ts';
import { PageMemory } from '../../store/paging/page-memory.ts';
import { HistoryIndex } from './history-index.ts';

const BEGIN = 1_790_000_000;
const logger = pino({ level: 'silent' });
const limits = { records: 1, everyMs: 0 };
const ours = { key: Buffer.alloc(32, 1), trouble: '' };
const newIndex = (key = ours): HistoryIndex => {
  const memory = new PageMemory(32 * 1_024, 1_024);
  return new HistoryIndex({ memory, logger, limits, key: async () => key, monotonic: () => 0 });
};

/** A live run in that folder. `checkpoints`: at the end of segments, at the end, or both. */
async function live(
  directory: string,
  steps: readonly Step[],
  checkpoints: { readonly rested: boolean; readonly end: boolean },
  options: Partial<RecorderOptions> = {},
  later = 0,
): Promise<{ readonly contents: unknown; readonly written: number }> {
  const index = newIndex();
  const { store } = index;
  const textOf = (table: StringTableName, string: number): string => store.strings[table].at(string);
  let written = 0;
  const checkpoint = async (hurry: boolean): Promise<void> => {
    const { position } = recorder;
    if (position === null) return;
    const segments = Array.from(
      { length: position.events > 0 ? position.number : position.number - 1 },
      (_, i) => i + 1,
    );
    if ((await index.checkpoint(store.cluster!, position, segments, hurry)) !== null) written++;
  };
  const recorder = new Recorder(store, textOf, {
    directoryOf: () => directory,
    rested: () => {
      if (checkpoints.rested) void checkpoint(false);
    },
    ...options,
  });
  index.recordedIn(directory);
  // A part of it a turn, as a cluster would tell it.
  for (let at = 0; at === 0 || at < steps.length; at += 4) {
    tell(recorder, steps.slice(at, at + 4), 'Scheduler-1', BEGIN + later + at);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const closed = recorder.close();
  if (checkpoints.end) await checkpoint(true);
  await closed;
  const all = contents(store);
  await index.close();
  return { contents: all, written };
}

/** What an opened recording shows, and how much of it came from its index. */
async function open(directory: string, key = ours) {
  const index = newIndex(key);
  const source = new RecordingSource(directory);
  let resumed = false;
  let events = 0;
  source.resumeBy({
    take: async (reader) => {
      const position = await index.take(reader);
      resumed = position !== null;
      return position;
    },
    said: (reader, position) => index.said(reader, position),
  });
  index.store.onChange(() => events++);
  await source.start(index.store);
  await source.finished;
  expect(index.store.link).toMatchObject({ state: 'connected', reason: '' });
  expect(index.store.cluster).toMatchObject({ engine: 'recording', mode: 'recording', id: 'Scheduler-1' });
  const all = contents(index.store);
  const { cut } = index;
  await source.close();
  await index.close();
  return { contents: all, resumed, events, cut };
}

const histories = fc.array(stepArbitrary, { minLength: 1, maxLength: 30 });

describe('a recording opened by its index shows what the live run did', () => {
  it.each<[string, { rested: boolean; end: boolean }, Partial<RecorderOptions>]>([
    ['closed well', { rested: false, end: true }, {}],
    ['closed well, of many segments', { rested: true, end: true }, { limits: { tasks: 5 } }],
    ['cut off after a checkpoint', { rested: true, end: false }, { limits: { tasks: 5 } }],
    ['cut off, with journals', { rested: true, end: false }, { limits: { tasks: 5 }, seal: async () => null }],
    ['never put down', { rested: false, end: false }, { limits: { tasks: 5 } }],
  ])(
    '%s',
    async (_name, checkpoints, options) => {
      let resumed = 0;
      const property = fc.asyncProperty(histories, async (steps: Step[]) => {
        await using scratch = await Scratch.make();
        const directory = scratch.join('r');
        const run = await live(directory, steps, checkpoints, options);
        const opened = await open(directory);
        expect(opened.contents).toEqual(run.contents);
        expect(opened.resumed).toBe(run.written > 0);
        if (opened.resumed) resumed++;
        if (checkpoints.end && opened.resumed) expect(opened.events).toBe(3);
        // Read from its segments or not: what that came to is put down, and opens the same.
        expect((await open(directory)).contents).toEqual(run.contents);
      });
      const expected = checkpoints.rested || checkpoints.end;
      // About every other history is long enough for a checkpoint.
      for (let tries = 0; tries === 0 || (expected && resumed === 0 && tries < 5); tries++) {
        await fc.assert(property, { numRuns: 8, endOnFailure: true });
      }
      expect(resumed > 0).toBe(expected);
    },
    120_000,
  );
});

it('a recording that another process went on with opens the same by the index of the first as without one', async () => {
  await fc.assert(
    fc.asyncProperty(histories, histories, async (first, second) => {
      await using scratch = await Scratch.make();
      const directory = scratch.join('r');
      const { written } = await live(directory, first, { rested: true, end: true }, { limits: { tasks: 9 } });
      await live(directory, second, { rested: true, end: true }, { limits: { tasks: 9 } }, 1_000);
      const opened = await open(directory);
      expect(opened.resumed).toBe(written > 0);
      await rm(path.join(directory, 'index'), { recursive: true, force: true });
      expect(opened.contents).toEqual((await open(directory)).contents);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 120_000);

describe('an index that cannot be used is made anew', () => {
  const steps = fc.sample(histories, { seed: 7, numRuns: 5 }).flat();

  it.each<[string, (folder: string) => Promise<unknown>]>([
    ['deleted', (folder) => rm(folder, { recursive: true })],
    ['without its pages', async (folder) => rm(path.join(folder, (await pagesIn(folder))[0]!))],
    ['cut short', (folder) => alter(path.join(folder, 'state'), (bytes) => bytes.subarray(0, -10))],
    ['damaged', (folder) => alter(path.join(folder, 'state'), (bytes) => flipped(bytes, bytes.length >> 1))],
    ['of a newer version', (folder) => alter(path.join(folder, 'state'), (bytes) => flipped(bytes, 8))],
    ['signed by nobody', (folder) => alter(path.join(folder, 'state'), (bytes) => bytes.fill(0, 16, 48))],
    ['with a header of another length', (folder) => alter(path.join(folder, 'state'), (bytes) => flipped(bytes, 12))],
    ['with a pipe for its pages', async (folder) => pipeFor(path.join(folder, (await pagesIn(folder))[0]!))],
    ['with a pipe for its state', async (folder) => pipeFor(path.join(folder, 'state'))],
    ['of other segments', (folder) => rm(path.join(folder, '..', 'events', '000001.events'))],
  ])('%s', async (name, spoil) => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: true, end: true }, { limits: { tasks: 5 } });
    expect(run.written).toBeGreaterThan(0);
    await spoil(path.join(directory, 'index'));
    const opened = await open(directory);
    expect(opened.resumed).toBe(false);
    if (name !== 'of other segments') expect(opened.contents).toEqual(run.contents);
    const again = await open(directory);
    expect([again.resumed, again.contents]).toEqual([true, opened.contents]);
    expect((await pagesIn(path.join(directory, 'index'))).length).toBe(1);
  });

  it('damaged in its pages: it says so, goes on, and is gone the next time', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: false, end: true });
    const folder = path.join(directory, 'index');
    await alter(path.join(folder, (await pagesIn(folder))[0]!), (bytes) => {
      for (let at = 100; at < bytes.length; at += 1_024) bytes[at]! ^= 1;
      return bytes;
    });
    const opened = await open(directory);
    expect(opened.resumed ? opened.cut : 'damaged').toContain('damaged');
    expect((await open(directory)).contents).toEqual(run.contents);
  });

  it('of another user: it is made anew, and is then ours', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: false, end: true });
    const theirs = { key: Buffer.alloc(32, 2), trouble: '' };
    const opened = await open(directory, theirs);
    expect([opened.resumed, opened.contents]).toEqual([false, run.contents]);
    expect((await open(directory, theirs)).resumed).toBe(true);
    expect((await open(directory)).resumed).toBe(false);
  });

  it('with another page of its own in the place of one: that page is damaged, and not shown', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: false, end: true });
    const folder = path.join(directory, 'index');
    await alter(path.join(folder, (await pagesIn(folder))[0]!), (bytes) => {
      const page = bytes.subarray(0, 1_024);
      for (let at = 1_024; at < bytes.length; at += 1_024) page.copy(bytes, at);
      return bytes;
    });
    const opened = await open(directory);
    expect(opened.resumed ? opened.cut : 'damaged').toContain('damaged');
    expect((await open(directory)).contents).toEqual(run.contents);
  });

  it('whose folder is a link: nothing is written where that leads', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: false, end: false });
    const elsewhere = scratch.join('elsewhere');
    await mkdir(elsewhere);
    await writeFile(path.join(elsewhere, 'pages-mine'), 'mine');
    await symlink(elsewhere, path.join(directory, 'index'));
    expect((await open(directory)).contents).toEqual(run.contents);
    expect(await readdir(elsewhere)).toEqual(['pages-mine']);
  });

  it('that has a link where it is written aside: that is not followed', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    await live(directory, steps, { rested: false, end: false });
    await writeFile(scratch.join('mine'), 'mine');
    await mkdir(path.join(directory, 'index'));
    await symlink(scratch.join('mine'), path.join(directory, 'index', 'state.part'));
    await open(directory);
    expect(await readFile(scratch.join('mine'), 'utf8')).toBe('mine');
    expect((await open(directory)).resumed).toBe(true);
  });

  it('in a folder that may only be read, the recording opens all the same', async () => {
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const run = await live(directory, steps, { rested: false, end: false });
    // A folder cannot be made where a file is, whoever asks.
    await writeFile(path.join(directory, 'index'), '');
    const opened = await open(directory);
    expect([opened.contents, opened.cut]).toEqual([run.contents, '']);
  });
});

async function pagesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('pages-'));
}

async function pipeFor(file: string): Promise<void> {
  await rm(file);
  execFileSync('mkfifo', [file]);
}

async function alter(file: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(file, change(await readFile(file)));
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 0xff;
  return bytes;
}
