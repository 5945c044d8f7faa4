import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { INDEX } from '../../src/recording/files/index-file.ts';
import { stepArbitrary, tell } from '../../src/recording/random-history.fixture.ts';
import { RecordingReader } from '../../src/recording/reader.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import { HistoryIndex } from '../../src/server/history/history-index.ts';
import { contents } from '../../src/store/contents.fixture.ts';
import { PageMemory } from '../../src/store/paging/page-memory.ts';
import type { Target } from './fuzzer.ts';
import { mutateBytes, mutateTree, type Random } from './mutate.ts';

const KEY = Buffer.alloc(32, 1);
const PAGE = 1_024;
/** Of the state: what is signed, and the signature behind it. */
const SIGNED = 16;
const HEAD = 48;

/**
 * The index beside a recording. An input is one byte, the length of the state, the state and the pages. Where the byte is odd, the
 * state is signed anew: its reader must bear that, too, but what it then shows is not told from what is right.
 */
export async function indexTarget(): Promise<Target> {
  const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-fuzz-'));
  const recording = path.join(folder, 'recording');
  const logger = pino({ level: 'silent' });
  const make = (): HistoryIndex => {
    const memory = new PageMemory(24 * PAGE, PAGE);
    const limits = { records: 1, everyMs: 0 };
    return new HistoryIndex({
      memory,
      logger,
      limits,
      key: async () => ({ key: KEY, trouble: '' }),
      monotonic: () => 0,
    });
  };

  const index = make();
  const recorder = new Recorder(index.store, (table, i) => index.store.strings[table].at(i), {
    directoryOf: () => recording,
  });
  index.recordedIn(recording);
  tell(recorder, fc.sample(stepArbitrary, { numRuns: 60, seed: 5 }));
  await new Promise((resolve) => setImmediate(resolve));
  const { position } = recorder;
  await recorder.close();
  if (position === null || (await index.checkpoint(index.store.cluster!, position, [1], true)) === null)
    throw new Error('there is no index');
  await index.close();

  const beside = path.join(recording, INDEX);
  const state = path.join(beside, 'state');
  const pages = path.join(beside, readdirSync(beside).find((name) => name.startsWith('pages-'))!);
  const seed = join({ signed: false, state: readFileSync(state), pages: readFileSync(pages) });
  const reader = await RecordingReader.open(recording);
  return {
    name: 'index',
    seeds: [seed],
    refuses: ['REFUSED'],
    mutate: mutateIndex,
    async run(input) {
      const parts = split(input);
      mkdirSync(beside, { recursive: true });
      writeFileSync(state, parts.signed ? sign(parts.state) : parts.state);
      writeFileSync(pages, parts.pages);
      const opened = make();
      try {
        const taken = await opened.take(reader);
        if (taken !== null) contents(opened.store);
        if (taken === null || opened.cut !== '') throw Object.assign(new Error(), { code: 'REFUSED' });
      } catch (error) {
        if (parts.signed) throw Object.assign(new Error('refused', { cause: error }), { code: 'REFUSED' });
        throw error;
      } finally {
        await opened.close();
      }
    },
    close: async () => rmSync(folder, { recursive: true }),
  };
}

interface Parts {
  readonly signed: boolean;
  readonly state: Buffer;
  readonly pages: Buffer;
}

function join({ signed, state, pages }: Parts): Buffer {
  const begin = Buffer.alloc(5);
  begin[0] = Number(signed);
  begin.writeUInt32LE(state.length, 1);
  return Buffer.concat([begin, state, pages]);
}

function split(input: Uint8Array): Parts {
  const bytes = Buffer.from(input);
  const length = bytes.length < 5 ? 0 : Math.min(bytes.readUInt32LE(1), bytes.length - 5);
  return {
    signed: (bytes[0] ?? 0) % 2 === 1,
    state: bytes.subarray(5, 5 + length),
    pages: bytes.subarray(5 + length),
  };
}

function sign(state: Buffer): Buffer {
  if (state.length < HEAD) return state;
  const hmac = createHmac('sha256', KEY).update(state.subarray(0, SIGNED)).update(state.subarray(HEAD));
  return Buffer.concat([state.subarray(0, SIGNED), hmac.digest(), state.subarray(HEAD)]);
}

/** Changes the header as JSON, what stands behind it, or the pages; most of it signed. */
function mutateIndex(input: Uint8Array, random: Random): Uint8Array {
  const { state, pages } = split(input);
  const signed = random.below(4) > 0;
  if (random.below(4) === 0) return join({ signed, state, pages: Buffer.from(mutateBytes(pages, random)) });
  try {
    const end = HEAD + state.readUInt32LE(12);
    const behind = state.subarray(end);
    const header: unknown = JSON.parse(state.toString('utf8', HEAD, end));
    const changed = random.below(2) === 0;
    const text = Buffer.from(JSON.stringify(changed ? mutateTree(header, random) : header) ?? '');
    const head = Buffer.from(state.subarray(0, HEAD));
    head.writeUInt32LE(text.length, 12);
    const rest = changed ? behind : mutateBytes(behind, random);
    return join({ signed, state: Buffer.concat([head, text, rest]), pages });
  } catch {
    return join({ signed, state: Buffer.from(mutateBytes(state, random)), pages });
  }
}
