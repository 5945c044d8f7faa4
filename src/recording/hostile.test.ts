import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SourceEvent } from '../model/source-event.ts';
import { Tables } from './export/tables.ts';
import { BLOCK, encodeBlock, fileHead, readBlocks } from './files/blocks.ts';
import { eventsFile, MANIFEST, tasksFile } from './files/format.ts';
import { Tape } from './files/tape.ts';
import { putTogether, takeApart } from './parquet/forge.fixture.ts';
import { TasksReader } from './parquet/read.ts';
import { stepArbitrary, tell } from './random-history.fixture.ts';
import { parseSeal, RecordingReader } from './reader.ts';
import { Recorder } from './recorder.ts';
import { replay } from './replay.ts';
import { Scratch } from './scratch.fixture.ts';
import { sealedSummary } from './sealing/sealed-summary.ts';

let directory: string;
let tasks: string;
let events: string;
beforeEach(async () => {
  const scratch = await Scratch.make();
  directory = scratch.join('recording');
  tasks = tasksFile(directory, 1);
  events = eventsFile(directory, 1);
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => directory,
  });
  tell(recorder, fc.sample(stepArbitrary, { numRuns: 40, seed: 5 }));
  await setImmediate();
  await recorder.close();
  return () => scratch[Symbol.asyncDispose]();
});

async function read(): Promise<{
  readonly events: readonly SourceEvent[];
  readonly damages: RecordingReader['damages'];
}> {
  const reader = await RecordingReader.open(directory);
  const found: SourceEvent[] = [];
  for await (const event of replay(reader, new Tables().intern)) found.push(event);
  return { events: found, damages: reader.damages };
}

/** Each file that is changed has the right checksums: whoever means harm can count. */
async function reseal(parquet: Buffer): Promise<void> {
  await writeFile(tasks, parquet);
  const { blocks } = readBlocks(await readFile(events), 'events', events);
  const seal = parseSeal(blocks.at(-1)!.payload)!;
  const footer = parquet.subarray(parquet.length - 8 - parquet.readUInt32LE(parquet.length - 8));
  const crc = new TasksReader(parquet, footer).checksums();
  const changed = { ...seal, parquet: { crc, footer: footer.toString('base64') } };
  await writeFile(
    events,
    Buffer.concat([
      fileHead('events'),
      ...blocks.slice(0, -1).map(({ type, payload }) => encodeBlock(type, payload)),
      encodeBlock(BLOCK.seal, Buffer.from(JSON.stringify(changed))),
    ]),
  );
}

describe('a recording of somebody who means harm', () => {
  it('is read up to a Parquet file that would never end, and says so', async () => {
    const honest = await read();
    expect(honest.damages).toEqual([]);
    const file = takeApart(await readFile(tasks));
    await reseal(putTogether(file));
    expect((await read()).events).toEqual(honest.events);

    const nbytes = file.groups[0]!.columns.find(({ path: [name] }) => name === 'nbytes')!;
    nbytes.pages.at(-1)!.definition = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
    await reseal(putTogether(file));
    const { damages, events: left } = await read();
    expect(damages).toEqual([expect.objectContaining({ file: tasks, what: expect.stringMatching(/a run beyond/) })]);
    expect(left.length).toBeLessThan(honest.events.length);
    expect(left.at(-1)).toMatchObject({ kind: 'gap', reason: 'unreadable' });
  });

  const huge = async (file: string): Promise<void> => {
    // A file that takes nothing and says that it has 40 GB.
    await truncate(file, 40 * 2 ** 30);
  };
  const pipe = async (file: string): Promise<void> => {
    await rm(file);
    execFileSync('mkfifo', [file]);
  };
  const folder = async (file: string): Promise<void> => {
    await rm(file);
    await mkdir(file);
  };
  it.each([
    ['larger than any that is written', huge],
    ['a pipe that nobody writes', pipe],
    ['a folder', folder],
  ] as const)('has a file that is %s', async (_what, make) => {
    await make(tasks);
    expect((await read()).damages).toEqual([expect.objectContaining({ file: tasks })]);
    await make(events);
    expect((await read()).damages).toEqual([expect.objectContaining({ file: events })]);
    expect(await new Tape(directory, 1, new Tables().intern).next()).toBeNull();
    expect(await sealedSummary(directory, 1)).toBeNull();
    const manifest = path.join(directory, MANIFEST);
    await make(manifest);
    await expect(read()).rejects.toMatchObject({ code: 'NOT_A_RECORDING' });
  });

  it('has beginnings of blocks without end behind damage', async () => {
    const begin = Buffer.alloc(13);
    Buffer.from('f1544762', 'hex').copy(begin);
    begin.writeUInt32LE(8 * 2 ** 20, 4);
    // Each would be a checksum of 8 MiB.
    await writeFile(events, Buffer.concat([fileHead('events'), Buffer.of(0), Buffer.alloc(24 * 2 ** 20, begin)]));
    const cpu = process.cpuUsage();
    expect((await read()).damages).toEqual([expect.objectContaining({ file: events })]);
    const { user, system } = process.cpuUsage(cpu);
    expect((user + system) / 1e6).toBeLessThan(60);
  });
});
