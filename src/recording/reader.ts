import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { TaskglassError } from '../base/errors.ts';
import type { FinishedColumns, SourceEvent, SourceSink } from '../model/source-event.ts';
import { BLOCK, type Damage, MOST_HELD, MOST_PAYLOAD, readBlocks } from './files/blocks.ts';
import { ColumnCutter } from './files/columns.ts';
import { EventDecoder, RecordingError, type State } from './files/event-decoder.ts';
import {
  EVENTS,
  eventsFile,
  JOURNAL,
  journalFile,
  MANIFEST,
  type Manifest,
  numberOf,
  parseManifest,
  tasksFile,
} from './files/format.ts';
import { rowsOf } from './files/rows-block.ts';
import { LateStrings } from './late-strings.ts';
import { hasManifest, noRecordingIn, noRecordingOf } from './no-recording.ts';
import { TasksReader } from './parquet/read.ts';
import { MOST_SMALL, readRegular } from './regular-file.ts';
import type { Seal } from './sealing/seal.ts';

/** One thing that a recording says. */
export type Reading =
  /** A file begins: what was known then. Everything before it was read without a hole when `whole` is true. */
  | { readonly kind: 'state'; readonly state: State; readonly whole: boolean }
  | { readonly kind: 'event'; readonly event: SourceEvent };

const EMPTY = Buffer.alloc(0);

/** A recording that is read from its beginning to its end; damage ends a file, not the reading. */
export class RecordingReader {
  readonly directory: string;
  readonly manifest: Manifest;
  /** Numbers of its segments, sealed or not, in order. */
  readonly numbers: readonly number[];
  /** What could not be read so far. */
  readonly damages: Damage[] = [];

  private constructor(directory: string, manifest: Manifest, numbers: readonly number[]) {
    this.directory = directory;
    this.manifest = manifest;
    this.numbers = numbers;
  }

  /**
   * `file`: the folder of a recording, or any file in it.
   *
   * @throws NOT_A_RECORDING, RECORDING_VERSION
   */
  static async open(file: string): Promise<RecordingReader> {
    const directory = await directoryOf(file);
    const manifest = await readManifest(directory);
    const numbers = new Set<number>();
    for (const folder of [EVENTS, JOURNAL]) {
      for (const name of await readdir(path.join(directory, folder)).catch(() => [])) {
        const number = numberOf(name);
        if (number !== null) numbers.add(number);
      }
    }
    return new RecordingReader(
      directory,
      manifest,
      [...numbers].sort((a, b) => a - b),
    );
  }

  /**
   * Everything, in the order in which it was recorded. `intern` gives the indices of the events. `from`: the first segment that is
   * read; those before it are known.
   */
  async *read(intern: SourceSink['intern'], from = 0): AsyncGenerator<Reading> {
    let before: number | null = from > 0 ? from - 1 : null;
    let whole = from > 0;
    for (const number of this.numbers) {
      if (number < from) continue;
      const damages = this.damages.length;
      for await (const reading of this.#segment(number, intern)) {
        yield reading.kind === 'state' ? { ...reading, whole: whole && before === number - 1 } : reading;
      }
      before = number;
      whole = this.damages.slice(damages).every(({ torn }) => torn);
    }
  }

  /** Null where there is none; what cannot be read is damage, and as if it were empty. */
  async #read(file: string): Promise<Buffer | null> {
    try {
      return await readRegular(file);
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.damages.push({ file, offset: 0, what: error.message, torn: false });
      return EMPTY;
    }
  }

  async *#segment(number: number, intern: SourceSink['intern']): AsyncGenerator<Reading> {
    const sealed = eventsFile(this.directory, number);
    const open = journalFile(this.directory, number);
    const events = await this.#read(sealed);
    const journal = events === null ? await this.#read(open) : null;
    // Sealed since we looked.
    const found = events ?? (journal === null ? await this.#read(sealed) : null);
    if (found === EMPTY || journal === EMPTY) return;
    if (found !== null) yield* this.#sealed(number, sealed, found, intern);
    if (journal === null) return;
    const { blocks, damage } = readBlocks(journal, 'journal', open);
    yield* this.#play(open, blocks, new EventDecoder(intern), null);
    if (damage !== null) this.damages.push(damage);
  }

  async *#sealed(number: number, file: string, bytes: Buffer, intern: SourceSink['intern']): AsyncGenerator<Reading> {
    const { blocks, damage } = readBlocks(bytes, 'events', file);
    const seal = blocks.at(-1)?.type === BLOCK.seal ? parseSeal(blocks.at(-1)!.payload) : null;
    const rows =
      seal?.parquet === null ? null : await Rows.open(tasksFile(this.directory, number), seal?.parquet ?? null, intern);
    const decoder = new EventDecoder(intern);
    // The rows of an event may be in the piece before the one that it is in.
    const parts: FinishedColumns[] = [];
    for (const block of blocks) {
      if (block.type !== BLOCK.packed) continue;
      const inner = unpack(block.payload);
      const at = { file, offset: block.offset };
      if (inner === null) {
        this.damages.push({ ...at, what: 'compressed events cannot be read', torn: false });
        return;
      }
      const before = this.damages.length;
      yield* this.#play(
        file,
        inner.map((one) => ({ ...one, offset: block.offset })),
        decoder,
        rows,
        parts,
      );
      if (this.damages.length > before) return;
    }
    // Sealed files are put in place whole: one that ends early was damaged too.
    if (damage !== null) this.damages.push({ ...damage, torn: false });
    else if (seal === null) this.damages.push({ file, offset: bytes.length, what: 'it ends early', torn: false });
  }

  async *#play(
    file: string,
    blocks: Iterable<{ readonly type: number; readonly payload: Buffer; readonly offset: number }>,
    decoder: EventDecoder,
    rows: Rows | null,
    /** Tasks of the event that comes next; it goes on with them. */
    parts: FinishedColumns[] = [],
  ): AsyncGenerator<Reading> {
    for (const { type, payload, offset } of blocks) {
      try {
        switch (type) {
          case BLOCK.strings:
            decoder.strings(payload);
            break;
          case BLOCK.finished:
            parts.push(decoder.finished(payload));
            break;
          case BLOCK.links:
            parts.push(decoder.links(payload, parts.pop()));
            break;
          case BLOCK.rows:
            if (parts.length > 0) throw new RecordingError('rows of two events at once');
            parts.push(...(await (rows ?? Rows.none()).take(payload)));
            break;
          case BLOCK.state:
            yield { kind: 'state', state: decoder.state(payload), whole: false };
            break;
          case BLOCK.event: {
            const event = decoder.event(payload, parts.splice(0));
            yield { kind: 'event', event };
            break;
          }
        }
      } catch (error) {
        if (error instanceof RowsError) this.damages.push(error.damage);
        else if (error instanceof RecordingError) {
          this.damages.push({ file, offset, what: error.message, torn: false });
        } else throw error;
        return;
      }
    }
  }
}

export class RowsError extends Error {
  readonly damage: Damage;

  constructor(damage: Damage) {
    super(damage.what);
    this.damage = damage;
  }
}

/** The rows of a segment's Parquet file, in order, as far as its checksums are right. */
export class Rows {
  readonly #file: string;
  readonly #reader: TasksReader | null;
  readonly #intern: SourceSink['intern'];
  /** The first row group that is damaged. */
  readonly #damaged: number;
  #group = 0;
  #columns: ColumnCutter | null = null;
  /** Of the present row group. */
  #strings = new LateStrings(() => 0);

  private constructor(file: string, reader: TasksReader | null, intern: SourceSink['intern'], damaged: number) {
    this.#file = file;
    this.#reader = reader;
    this.#intern = intern;
    this.#damaged = damaged;
  }

  static none(): Rows {
    return new Rows('', null, () => 0, 0);
  }

  /** `seal`: null where the events are damaged and do not say by what the file is checked. */
  static async open(file: string, seal: Seal['parquet'], intern: SourceSink['intern']): Promise<Rows> {
    try {
      const bytes = await readRegular(file);
      if (bytes === null) return new Rows(file, null, intern, 0);
      const reader = new TasksReader(bytes, seal === null ? bytes : Buffer.from(seal.footer, 'base64'));
      const sums = reader.checksums();
      const bad = seal === null ? -1 : sums.findIndex((crc, group) => crc !== seal.crc[group]);
      return new Rows(file, reader, intern, bad === -1 ? sums.length : bad);
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      return new Rows(file, null, intern, 0);
    }
  }

  /** The next rows, as many as a block of rows says. */
  async take(payload: Buffer): Promise<FinishedColumns[]> {
    const rows = rowsOf(payload);
    const parts: FinishedColumns[] = [];
    let held = 0;
    for (let left = rows; left > 0; ) {
      if (this.#columns === null || this.#columns.left === 0) await this.#next();
      const part = this.#columns!.next(left);
      this.#strings.tell(part);
      left -= part.length;
      held += bytesOf(part);
      if (held > MOST_HELD) throw new RecordingError('more tasks than an event can have');
      parts.push(part);
    }
    return parts;
  }

  async #next(): Promise<void> {
    const fail = (offset: number, what: string): never => {
      throw new RowsError({ file: this.#file, offset, what, torn: false });
    };
    const reader = this.#reader;
    if (reader === null) return fail(0, 'its tasks cannot be read');
    if (this.#group >= reader.groups) return fail(0, 'it has fewer tasks than were recorded');
    const { from } = reader.extent(this.#group);
    if (this.#group >= this.#damaged) fail(from, 'a checksum is wrong');
    try {
      this.#strings = new LateStrings(this.#intern);
      this.#columns = new ColumnCutter(await reader.read(this.#group, this.#strings.keep));
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      fail(from, error.message);
    }
    this.#group++;
  }
}

/** About what they take. */
function bytesOf({ keys, action, back, errors }: FinishedColumns): number {
  let bytes = 80 * keys.length + 21 * action.length + 4 * back.length;
  for (const key of keys) bytes += key.length;
  for (const { exception, traceback } of errors.values()) bytes += exception.length + traceback.length;
  return bytes;
}

/** Null for what was not packed by us. */
export function unpack(payload: Buffer): { readonly type: number; readonly payload: Buffer }[] | null {
  let bytes: Buffer;
  try {
    bytes = inflateRawSync(payload, { maxOutputLength: 4 * MOST_PAYLOAD });
  } catch {
    return null;
  }
  const blocks: { type: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 5 > bytes.length) return null;
    const end = at + 5 + bytes.readUInt32LE(at + 1);
    if (end > bytes.length) return null;
    blocks.push({ type: bytes[at]!, payload: bytes.subarray(at + 5, end) });
    at = end;
  }
  return blocks;
}

/** Null where its shape is another. */
export function parseSeal(payload: Buffer): Seal | null {
  try {
    const seal = JSON.parse(payload.toString('utf8')) as Seal;
    const { summary, parquet } = seal;
    if (typeof summary?.tasks !== 'number' || !Array.isArray(summary.functions)) return null;
    if (parquet !== null && !(Array.isArray(parquet.crc) && typeof parquet.footer === 'string')) return null;
    return seal;
  } catch {
    return null;
  }
}

async function readManifest(directory: string): Promise<Manifest> {
  const file = path.join(directory, MANIFEST);
  const text = await readRegular(file, MOST_SMALL).catch((error: Error) => {
    throw new TaskglassError('NOT_A_RECORDING', `${file}: ${error.message}`, { cause: error });
  });
  if (text === null) throw await noRecordingIn(directory);
  return parseManifest(text.toString('utf8'), file);
}

/** The folder that holds the manifest, from any file of the recording. */
export async function directoryOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  if (found === null) throw new TaskglassError('NOT_A_RECORDING', `there is no ${file}`);
  if (found.isDirectory()) return file;
  const folder = path.dirname(path.resolve(file));
  const directory = [EVENTS, JOURNAL, 'tasks'].includes(path.basename(folder)) ? path.dirname(folder) : folder;
  if (!(await hasManifest(directory))) throw noRecordingOf(file);
  return directory;
}
