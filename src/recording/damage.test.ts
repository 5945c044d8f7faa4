import { cp, readFile, writeFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attach, finishedOf } from '../store/history.fixture.ts';
import { Tables } from './export/tables.ts';
import { readBlocks } from './files/blocks.ts';
import { eventsFile, journalFile, tasksFile } from './files/format.ts';
import { RecordingReader } from './reader.ts';
import { Recorder } from './recorder.ts';
import { replay } from './replay.ts';
import { Scratch } from './scratch.fixture.ts';
import { sealJournal } from './sealing/seal.ts';

const BEGIN = 1_790_000_000;
/** Tasks of a segment; three are sealed, two are not. */
const SEGMENT = 12;
const SEALED = 3;
const SEGMENTS = 5;

const keys = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `inc-${from + i}`);

let scratch: Scratch;
let whole: string;
let rounds = 0;
beforeAll(async () => {
  scratch = await Scratch.make();
  whole = scratch.join('whole');
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => whole,
    limits: { tasks: SEGMENT },
    seal: async (directory, number) => (number <= SEALED ? await sealJournal(directory, number) : null),
  });
  attach(recorder, 'Scheduler-1', BEGIN);
  for (let n = 0; n < SEGMENT * SEGMENTS; n++) {
    const compute: [number, number] = [BEGIN + n, BEGIN + n + 0.5];
    const row = { key: `inc-${n}`, fn: 'inc', worker: 'tcp://10.0.0.1:4001', thread: 1, compute };
    recorder.accept({ kind: 'tick', time: BEGIN + n + 1, finished: finishedOf(recorder, [row]) });
    await setImmediate();
  }
  await recorder.close();
});
afterAll(() => scratch?.[Symbol.asyncDispose]());

async function read(directory: string): Promise<{ found: string[]; reader: RecordingReader }> {
  const reader = await RecordingReader.open(directory);
  const found: string[] = [];
  for await (const event of replay(reader, new Tables().intern)) {
    if (event.kind === 'tick') found.push(...(event.finished?.keys ?? []));
  }
  return { found, reader };
}

/** What happens to a file; places are shares of its length. */
type Damage =
  | { readonly kind: 'bytes'; readonly at: number; readonly values: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'lost'; readonly at: number; readonly length: number }
  | { readonly kind: 'more'; readonly at: number; readonly values: Uint8Array };

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const values = fc.uint8Array({ minLength: 1, maxLength: 40 });
const damages: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('bytes' as const), at, values }) },
  fc.record({ kind: fc.constant('cut' as const), at }),
  fc.record({ kind: fc.constant('lost' as const), at, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('more' as const), at, values }),
);

/** The file as it is afterwards, and the first byte that is another. */
function damaged(bytes: Buffer, damage: Damage): { after: Buffer; first: number } {
  const place = Math.floor(damage.at * bytes.length);
  const head = bytes.subarray(0, place);
  let after: Buffer;
  if (damage.kind === 'cut') after = head;
  else if (damage.kind === 'lost') after = Buffer.concat([head, bytes.subarray(place + damage.length)]);
  else if (damage.kind === 'more') after = Buffer.concat([head, damage.values, bytes.subarray(place)]);
  else {
    after = Buffer.from(bytes);
    after.set(damage.values.subarray(0, bytes.length - place), place);
  }
  let first = 0;
  while (first < after.length && first < bytes.length && after[first] === bytes[first]) first++;
  return { after, first };
}

const segments = fc.integer({ min: 1, max: SEGMENTS });
const kinds = fc.constantFrom('tasks' as const, 'events' as const);

it('whatever happens to the bytes of a file, it is named, and what lies before and in the other files is read', async () => {
  await fc.assert(
    fc.asyncProperty(segments, kinds, damages, async (number, kind, damage) => {
      const directory = scratch.join(`damaged-${rounds++}`);
      await cp(whole, directory, { recursive: true });
      const sealed = number <= SEALED;
      const file = (sealed ? (kind === 'tasks' ? tasksFile : eventsFile) : journalFile)(directory, number);
      const bytes = await readFile(file);
      const { after, first } = damaged(bytes, damage);
      await writeFile(file, after);
      const outcome = await read(directory).catch((error: unknown) => error);
      if (!(outcome instanceof Object && 'found' in outcome)) {
        // Another number in the line that a file begins with says that a later version wrote it.
        expect(outcome).toMatchObject({ name: 'TaskglassError', code: 'RECORDING_VERSION' });
        expect(sealed ? kind : 'journal').not.toBe('tasks');
        return;
      }
      const { found, reader } = outcome as Awaited<ReturnType<typeof read>>;
      const [from, to] = [(number - 1) * SEGMENT, number * SEGMENT];
      // Nothing of the others is missing, and of this one there is a beginning.
      const others = SEGMENT * (SEGMENTS - 1);
      const some = found.length - others;
      expect(found).toEqual([...keys(0, from), ...keys(from, from + some), ...keys(to, SEGMENT * SEGMENTS)]);
      // A journal is told block by block.
      if (!sealed) expect(some).toBeGreaterThanOrEqual(ticksBefore(bytes, first));
      // What is missing is never missing silently. An end that is torn is one; so is a journal that was cut between two blocks.
      if (some < SEGMENT && !(damage.kind === 'cut' && !sealed)) {
        expect(reader.damages.map((one) => one.file)).toEqual([file]);
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

it('a manifest that is damaged is refused with a code, or says the same', async () => {
  const directory = scratch.join('manifest');
  await cp(whole, directory, { recursive: true });
  const file = `${directory}/recording.json`;
  const bytes = await readFile(file);
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      await writeFile(file, damaged(bytes, damage).after);
      const outcome = await read(directory).catch((error: unknown) => error);
      if (outcome instanceof Object && 'found' in outcome) {
        expect(outcome.found).toEqual(keys(0, SEGMENT * SEGMENTS));
      } else expect(outcome).toMatchObject({ code: expect.stringMatching(/^(NOT_A_RECORDING|RECORDING_VERSION)$/) });
    }),
    { numRuns: 100 },
  );
}, 120_000);

/** How many tasks a journal told before a byte. */
function ticksBefore(bytes: Buffer, place: number): number {
  let ticks = 0;
  for (const { payload, offset } of readBlocks(bytes, 'journal', 'a journal').blocks) {
    const end = offset + 13 + payload.length;
    if (end <= place && Buffer.from(payload).includes('"finished":')) ticks++;
  }
  return ticks;
}
