import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GapEvent, SourceEvent } from '../model/source-event.ts';
import { attach, finishedOf, type Row, workerOf } from '../store/history.fixture.ts';
import { Tables } from './export/tables.ts';
import { eventsFile, journalFile, tasksFile } from './files/format.ts';
import type { CreateFile } from './files/journal.ts';
import { enforceRetention, folderName, listRecordings } from './library.ts';
import { RecordingReader } from './reader.ts';
import { Recorder, type RecorderOptions, type RecorderStatus } from './recorder.ts';
import { replay } from './replay.ts';
import { Scratch } from './scratch.fixture.ts';
import { sealJournal } from './sealing/seal.ts';

const BEGIN = 1_790_000_000;
const WORKER = 'tcp://10.0.0.1:4001';

function row(n: number): Row {
  return { key: `inc-${n}`, fn: 'inc', worker: WORKER, thread: 1, compute: [BEGIN + n, BEGIN + n + 0.5] };
}

/** A recorder whose ticks bring one task each. */
class Session {
  readonly recorder: Recorder;
  statuses: RecorderStatus[] = [];

  constructor(directory: string, options: Partial<RecorderOptions> = {}, id = 'Scheduler-1', begin = BEGIN) {
    const tables = new Tables();
    this.recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
      directoryOf: () => directory,
      changed: (status) => this.statuses.push(status),
      ...options,
    });
    attach(this.recorder, id, begin);
  }

  /** Tasks [from, to), each in a turn of its own. */
  async tasks(from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) {
      this.recorder.accept({ kind: 'tick', time: BEGIN + n + 1, finished: finishedOf(this.recorder, [row(n)]) });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function read(
  directory: string,
): Promise<{ keys: string[]; gaps: GapEvent[]; events: SourceEvent[]; reader: RecordingReader }> {
  const reader = await RecordingReader.open(directory);
  const events: SourceEvent[] = [];
  for await (const event of replay(reader, new Tables().intern)) events.push(event);
  const keys = events.flatMap((event) => (event.kind === 'tick' ? [...(event.finished?.keys ?? [])] : []));
  return { keys, gaps: events.filter((event) => event.kind === 'gap'), events, reader };
}

const keys = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `inc-${from + i}`);

let scratch: Scratch;
let directory: string;
beforeEach(async () => {
  const made = await Scratch.make();
  scratch = made;
  directory = scratch.join('recording');
  return () => made[Symbol.asyncDispose]();
});

it('gives back the rows of a tick whose event lies in the next compressed piece', async () => {
  const session = new Session(directory);
  // Each task lies by itself in time, which makes far more of what is said beside the rows than of the event.
  const ticks = Array.from({ length: 120 }, (_, tick) => {
    return Array.from({ length: 200 }, (_, i): Row => {
      const at = BEGIN + (tick * 200 + i) * 20;
      return { ...row(tick * 200 + i), compute: [at, at + 1] };
    });
  });
  for (const [tick, rows] of ticks.entries()) {
    const time = BEGIN + (tick + 1) * 4_000;
    session.recorder.accept({ kind: 'tick', time, finished: finishedOf(session.recorder, rows) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await session.recorder.close();
  const { keys: found, reader } = await read(directory);
  expect(reader.damages).toEqual([]);
  expect(found).toHaveLength(ticks.length * 200);
});

describe('a recording that is cut or damaged', () => {
  it('is read up to the end of a journal that was torn, and sealed up to there by the next recorder', async () => {
    const session = new Session(directory, { seal: async () => null });
    await session.tasks(0, 20);
    await session.recorder.close();
    const file = journalFile(directory, 1);
    const { length } = await readFile(file);
    await truncate(file, length - 7);
    const { keys: found, reader } = await read(directory);
    expect(found).toEqual(keys(0, 19));
    expect(reader.damages).toMatchObject([{ file, torn: true }]);

    const next = new Session(directory);
    await next.recorder.close();
    expect(await readdir(path.join(directory, 'journal'))).toEqual([]);
    expect((await read(directory)).keys).toEqual(keys(0, 19));
  });

  it('gives everything before a byte that was changed, names file and place, and goes on with the next segment', async () => {
    const session = new Session(directory, { limits: { tasks: 10 } });
    await session.tasks(0, 40);
    await session.recorder.close();
    const whole = await read(directory);
    expect(whole.keys).toEqual(keys(0, 40));
    expect(whole.reader.damages).toEqual([]);
    for (const file of [tasksFile(directory, 2), eventsFile(directory, 2)]) {
      const bytes = await readFile(file);
      for (let at = 5; at < bytes.length; at += Math.ceil(bytes.length / 23)) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 0x55;
        await writeFile(file, changed);
        const { keys: found, reader } = await read(directory);
        if (file.endsWith('.parquet') && reader.damages.length === 0) {
          // Its footer: the events hold it once more.
          expect(at).toBeGreaterThan(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8));
          expect(found).toEqual(keys(0, 40));
          continue;
        }
        expect(reader.damages, `byte ${at}`).toMatchObject([{ file, torn: false }]);
        expect(reader.damages[0]!.offset).toBeLessThanOrEqual(at);
        expect(found.slice(0, 10)).toEqual(keys(0, 10));
        expect(found.slice(-20)).toEqual(keys(20, 40));
      }
      await writeFile(file, bytes);
    }
  });

  it('has a gap where its last segment cannot be read to the end', async () => {
    const session = new Session(directory, { limits: { tasks: 10 } });
    await session.tasks(0, 35);
    await session.recorder.close();
    expect((await read(directory)).gaps).toEqual([]);
    for (const [file, at] of [
      [tasksFile(directory, 4), 200],
      [eventsFile(directory, 4), 60],
    ] as const) {
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x55;
      await writeFile(file, changed);
      const { keys: found, gaps } = await read(directory);
      expect(found).toEqual(keys(0, 30));
      // Until when it went on, the summary at the end of its events still says.
      expect(gaps, file).toEqual([
        { kind: 'gap', since: BEGIN + 30, until: BEGIN + 35, size: null, reason: 'unreadable' },
      ]);
      await writeFile(file, bytes);
    }
    await truncate(eventsFile(directory, 4), 80);
    expect((await read(directory)).gaps).toMatchObject([{ since: BEGIN + 30, until: BEGIN + 31, size: null }]);
  });

  it('loses nothing to a damaged footer of a Parquet file', async () => {
    const session = new Session(directory);
    await session.tasks(0, 10);
    await session.recorder.close();
    const file = tasksFile(directory, 1);
    const bytes = await readFile(file);
    bytes[bytes.length - 6]! ^= 0xff;
    await writeFile(file, bytes);
    const { reader, keys: found } = await read(directory);
    expect(reader.damages).toEqual([]);
    expect(found).toEqual(keys(0, 10));
  });

  it('keeps a journal whose middle is damaged instead of sealing a part of it', async () => {
    const session = new Session(directory, { seal: async () => null });
    await session.tasks(0, 10);
    await session.recorder.close();
    const file = journalFile(directory, 1);
    const bytes = await readFile(file);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(file, bytes);
    expect(await sealJournal(directory, 1)).toBeNull();
    const { keys: found, reader } = await read(directory);
    expect(found).toEqual(keys(0, found.length));
    expect(found.length).toBeLessThan(10);
    expect(reader.damages).toMatchObject([{ file, torn: false }]);
  });

  it('is refused by name when it is newer, or none', async () => {
    await expect(RecordingReader.open(scratch.join('nothing'))).rejects.toMatchObject({ code: 'NOT_A_RECORDING' });
    await mkdir(directory);
    await expect(RecordingReader.open(directory)).rejects.toMatchObject({ code: 'NOT_A_RECORDING' });
    const manifest = path.join(directory, 'recording.json');
    await writeFile(manifest, JSON.stringify({ format: 'taskglass recording', formatVersion: 2 }));
    await expect(RecordingReader.open(manifest)).rejects.toMatchObject({ code: 'RECORDING_VERSION' });
  });
});

describe('a recording without its oldest segments', () => {
  it('begins with what was known there', async () => {
    const session = new Session(directory, { limits: { tasks: 10 } });
    const worker = workerOf(session.recorder, WORKER);
    session.recorder.accept({ kind: 'tick', time: BEGIN + 0.5, workers: { added: [worker] } });
    await session.tasks(0, 35);
    await session.recorder.close();
    await rm(tasksFile(directory, 1));
    await rm(eventsFile(directory, 1));
    const { keys: found, events, gaps } = await read(directory);
    expect(found).toEqual(keys(10, 35));
    expect(gaps).toEqual([]);
    expect(events[0]).toMatchObject({ kind: 'cluster', id: 'Scheduler-1' });
    expect(events.flatMap((event) => (event.kind === 'tick' ? (event.workers?.added ?? []) : []))).toMatchObject([
      { address: WORKER },
    ]);
  });
});

describe('a second recorder of the same cluster', () => {
  it('goes on after the first: no task twice, counts go on, the time between is a gap', async () => {
    const counts = (recorder: Recorder, forgotten: number): SourceEvent => ({
      kind: 'tick',
      time: BEGIN + 50,
      functions: {
        fn: Uint32Array.of(recorder.intern('function', 'inc')),
        states: new Uint32Array(7),
        forgotten: Float64Array.of(forgotten),
        nbytes: new Float64Array(1),
      },
    });
    const first = new Session(directory);
    await first.tasks(0, 5);
    first.recorder.accept({ ...counts(first.recorder, 5), time: BEGIN + 5 } as SourceEvent);
    await first.recorder.close();
    const second = new Session(directory, {}, 'Scheduler-1', BEGIN + 20);
    // What the scheduler's own buffer still holds: some that we have, and some that we missed.
    const past = finishedOf(second.recorder, [3, 4, 7, 8].map(row), true);
    second.recorder.accept({ kind: 'tick', time: BEGIN + 21, finished: past });
    second.recorder.accept(counts(second.recorder, 2));
    await second.tasks(30, 32);
    await second.recorder.close();

    const { keys: found, gaps, events } = await read(directory);
    expect(found).toEqual([...keys(0, 5), ...keys(7, 9), ...keys(30, 32)]);
    expect(gaps).toMatchObject([{ since: BEGIN + 5, until: BEGIN + 20, size: null, reason: 'disconnected' }]);
    const forgotten = events.flatMap((event) =>
      event.kind === 'tick' && event.functions ? [...event.functions.forgotten] : [],
    );
    expect(forgotten).toEqual([5, 7]);
  });

  it('does not record while the first one does', async () => {
    const first = new Session(directory);
    await first.tasks(0, 1);
    const second = new Session(directory);
    await second.tasks(5, 6);
    expect(second.recorder.status).toMatchObject({ state: 'stopped', reason: expect.stringContaining(directory) });
    await second.recorder.close();
    await first.recorder.close();
    expect((await read(directory)).keys).toEqual(keys(0, 1));
  });

  it('takes another folder for another cluster', async () => {
    const { recorder } = new Session(directory, { directoryOf: ({ id }) => scratch.join(folderName(id)) });
    attach(recorder, 'Scheduler-2');
    recorder.accept({ kind: 'tick', time: BEGIN + 9, finished: finishedOf(recorder, [row(7)]) });
    await recorder.close();
    expect((await readdir(scratch.path)).sort()).toEqual(['Scheduler-1', 'Scheduler-2']);
    expect((await read(scratch.join('Scheduler-2'))).keys).toEqual(keys(7, 8));
  });
});

describe('a disk that runs full', () => {
  /** Takes so many bytes and then no more, in the middle of a write. */
  const limited = (bytes: number): CreateFile => {
    let left = bytes;
    return async (file) => ({
      async append(data) {
        await appendFile(file, data.subarray(0, left));
        left -= Math.min(left, data.length);
        if (left === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
      sync: async () => {},
      close: async () => {},
    });
  };

  it('ends the recording, not the live view, and what was written can be read', async () => {
    const session = new Session(directory, { create: limited(5_000) });
    let seen = 0;
    const tables = new Tables();
    await session.tasks(0, 60);
    await session.recorder.close();
    expect(session.recorder.status).toMatchObject({ state: 'stopped', reason: expect.stringContaining('ENOSPC') });
    expect(session.statuses.map(({ state }) => state)).toEqual(['recording', 'stopped']);
    for await (const reading of (await RecordingReader.open(directory)).read(tables.intern)) {
      if (reading.kind === 'event' && reading.event.kind === 'tick') seen += reading.event.finished?.length ?? 0;
    }
    expect(seen).toBeGreaterThan(5);
    expect((await read(directory)).keys).toEqual(keys(0, seen));
  });
});

describe('retention', () => {
  const hour = 3_600_000;
  async function recordings(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const session = new Session(scratch.join(`r${i}`), {}, `Scheduler-${i}`);
      await session.tasks(0, 3);
      await session.recorder.close();
    }
  }
  const left = async (): Promise<string[]> => (await readdir(scratch.path)).sort();
  const all = { maxAge: 1e9, maxSize: 1e12, maxCount: 1e9 };

  it('deletes the oldest beyond a number, but no pinned one', async () => {
    await recordings(4);
    await writeFile(scratch.join('r0', 'pinned'), '');
    await enforceRetention(scratch.path, { ...all, maxCount: 2 });
    expect(await left()).toEqual(['r0', 'r2', 'r3']);
  });

  it('deletes what is too old or too much, and leaves what is no recording alone', async () => {
    await recordings(3);
    await mkdir(scratch.join('else'));
    const [newest] = await listRecordings(scratch.path);
    await enforceRetention(scratch.path, { ...all, maxSize: newest!.bytes * 2.5 });
    expect(await left()).toEqual(['else', 'r1', 'r2']);
    await enforceRetention(scratch.path, { ...all, maxAge: 3_600 }, Date.now() + 2 * hour);
    expect(await left()).toEqual(['else']);
  });

  it('leaves a pinned one alone, however old, large and many there are, also while it is written', async () => {
    await recordings(3);
    for (const name of ['r0', 'r1']) await writeFile(scratch.join(name, 'pinned'), '');
    const session = new Session(scratch.join('goes-on'), { limits: { tasks: 5 } });
    await session.tasks(0, 13);
    await writeFile(scratch.join('goes-on', 'pinned'), '');
    const none = { maxAge: 3_600, maxSize: 0, maxCount: 0 };
    const deleted = await enforceRetention(scratch.path, none, Date.now() + 2 * hour);
    expect(deleted).toEqual([scratch.join('r2')]);
    await session.recorder.close();
    expect(await left()).toEqual(['goes-on', 'r0', 'r1']);
    expect((await read(scratch.join('goes-on'))).keys).toEqual(keys(0, 13));
    // What is pinned takes no room of the others.
    await recordings(4);
    await enforceRetention(scratch.path, { ...all, maxCount: 2 });
    expect(await left()).toEqual(['goes-on', 'r0', 'r1', 'r2', 'r3']);
  });

  it('deletes the oldest sealed segments of one that goes on', async () => {
    const session = new Session(directory, { limits: { tasks: 5 } });
    await session.tasks(0, 23);
    await expect.poll(() => readdir(path.join(directory, 'events')), { timeout: 20_000 }).toHaveLength(4);
    await enforceRetention(scratch.path, { ...all, maxAge: 3_600 }, Date.now() + 2 * hour);
    await session.tasks(23, 25);
    await session.recorder.close();
    expect((await read(directory)).keys).toEqual(keys(20, 25));
  });
});
