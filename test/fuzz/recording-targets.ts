import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { Tables } from '../../src/recording/export/tables.ts';
import { BLOCK, type Block, encodeBlock, fileHead, readBlocks } from '../../src/recording/files/blocks.ts';
import { eventsFile, journalFile, tasksFile } from '../../src/recording/files/format.ts';
import { type ForgedFile, putTogether, takeApart, varint } from '../../src/recording/parquet/forge.fixture.ts';
import { TasksReader } from '../../src/recording/parquet/read.ts';
import { stepArbitrary, tell } from '../../src/recording/random-history.fixture.ts';
import { RecordingReader } from '../../src/recording/reader.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import { replay } from '../../src/recording/replay.ts';
import { Store } from '../../src/store/store.ts';
import type { Target } from './fuzzer.ts';
import { mutateBytes, mutateTree, type Random } from './mutate.ts';

/** The files of recordings, which may come from anybody: read as `taskglass open` reads them, into a store. */
export async function recordingTargets(): Promise<readonly Target[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-fuzz-'));
  const recording = path.join(folder, 'recording');
  const tables = new Tables();
  const sink = { intern: tables.intern, accept: () => {} };
  // What is not sealed yet is read from the journal: two recordings of the same, one of each kind.
  const open = path.join(folder, 'open');
  for (const [directory, seal] of [
    [open, { seal: async () => null }],
    [recording, {}],
  ] as const) {
    const recorder = new Recorder(sink, tables.textOf, { directoryOf: () => directory, ...seal });
    tell(recorder, fc.sample(stepArbitrary, { numRuns: 40, seed: 5 }));
    await setImmediate();
    await recorder.close();
  }
  const journal = journalFile(open, 1);
  const events = eventsFile(recording, 1);
  const tasks = tasksFile(recording, 1);
  const whole = { journal: readFileSync(journal), events: readFileSync(events), tasks: readFileSync(tasks) };

  const read = async (directory: string): Promise<void> => {
    const store = new Store({ monotonic: () => 0 });
    const reader = await RecordingReader.open(directory);
    for await (const event of replay(reader, (table, value) => store.intern(table, value))) store.accept(event);
    // Damage is told and read around: a refusal, for what is counted here.
    if (reader.damages.length > 0) throw Object.assign(new Error('damaged'), { code: 'RECORDING_DAMAGED' });
  };
  const file = (name: string, at: string, kind: 'journal' | 'events', seed: Buffer, directory: string): Target => ({
    name,
    seeds: [seed],
    refuses: ['NOT_A_RECORDING', 'RECORDING_VERSION', 'RECORDING_DAMAGED'],
    mutate: (input, random) => mutateBlocks(Buffer.from(input), kind, random),
    async run(input) {
      writeFileSync(at, input);
      await read(directory);
    },
  });
  return [
    {
      ...file('journal', journal, 'journal', whole.journal, open),
      close: async () => rmSync(folder, { recursive: true }),
    },
    file('events', events, 'events', whole.events, recording),
    {
      name: 'parquet',
      seeds: [whole.tasks],
      refuses: ['RecordingError'],
      // What a row group may hold, and what it is read into.
      limits: { bytes: 512 * 1024 * 1024, ms: 10_000 },
      mutate: mutateParquet,
      async run(input) {
        const reader = new TasksReader(Buffer.from(input), Buffer.from(input));
        for (let group = 0; group < reader.groups; group++) await reader.read(group, tables.intern);
      },
    },
  ];
}

/** Changes what is in a page before it is packed, and what it and the footer say of it. */
function mutateParquet(input: Uint8Array, random: Random): Uint8Array {
  let file: ForgedFile;
  try {
    file = takeApart(input);
  } catch {
    return mutateBytes(input, random);
  }
  for (let left = 1 + random.below(3); left > 0; left--) {
    const group = random.pick(file.groups);
    const column = random.pick(group.columns);
    const page = random.pick(column.pages);
    const part = random.pick(['body', 'body', 'definition', 'repetition'] as const);
    switch (random.below(7)) {
      case 0:
        page.said[random.pick(SAID)] = random.pick(SIZES);
        break;
      case 1:
        column[random.pick(['values', 'type', 'codec', 'at', 'size'] as const)] = random.pick(SIZES);
        break;
      case 2:
        if (random.below(4) === 0) group.rows = random.pick(SIZES);
        else column.pages.push(page);
        break;
      case 3:
        // A run of any length, of any value.
        page[part] = Buffer.concat([
          Buffer.of(random.below(3)),
          varint(BigInt(random.pick(RUNS))),
          Buffer.of(random.below(4)),
        ]);
        break;
      default:
        if (page[part].length > 0) page[part] = Buffer.from(mutateBytes(page[part], random));
    }
  }
  try {
    return putTogether(file);
  } catch {
    return mutateBytes(input, random);
  }
}

const SAID = ['type', 'unpacked', 'packed', 'values', 'nulls', 'encoding', 'definition', 'repetition'] as const;
const SIZES = [
  -1,
  0,
  1,
  2,
  3,
  5,
  7,
  8,
  64,
  1_000,
  32_768,
  4_194_304,
  2 ** 26,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 52,
];
const RUNS = [0, 1, 2, 3, 64, 65, 2 ** 16, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 40];

/** Changes what is in a block and writes its checksum anew: whoever means harm can count. */
function mutateBlocks(bytes: Buffer, kind: 'journal' | 'events', random: Random): Uint8Array {
  let blocks: readonly Block[];
  try {
    ({ blocks } = readBlocks(bytes, kind, ''));
  } catch {
    return mutateBytes(bytes, random);
  }
  const at = random.below(blocks.length);
  const changed = blocks.map((block, i) =>
    encodeBlock(
      random.below(30) === 0 ? random.below(10) : block.type,
      i === at ? mutatePayload(block, random) : block.payload,
    ),
  );
  if (random.below(8) === 0) changed.push(changed[random.below(changed.length)]!);
  if (random.below(8) === 0) changed.splice(random.below(changed.length), 1);
  return Buffer.concat([fileHead(kind), ...changed]);
}

const JSON_BLOCKS: readonly number[] = [BLOCK.strings, BLOCK.event, BLOCK.state, BLOCK.rows, BLOCK.seal];

function mutatePayload({ type, payload }: Block, random: Random): Uint8Array {
  if (JSON_BLOCKS.includes(type) && random.below(4) > 0) {
    try {
      return Buffer.from(JSON.stringify(mutateTree(JSON.parse(payload.toString()), random)) ?? '');
    } catch {
      // It was changed before, and is JSON no more.
    }
  }
  return mutateBytes(payload, random);
}
