import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { FinishedColumns } from '../../model/source-event.ts';
import { Tables } from '../export/tables.ts';
import { BLOCK, type Block, encodeBlock, fileHead, readBlocks } from '../files/blocks.ts';
import { EventDecoder, RecordingError } from '../files/event-decoder.ts';
import { EVENTS, eventsFile, journalFile, TASKS, tasksFile } from '../files/format.ts';
import { encodeRows } from '../files/rows-block.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { TasksReader } from '../parquet/read.ts';
import { writeTasks } from '../parquet/write.ts';
import { readRegular } from '../regular-file.ts';
import { type Summary, SummaryBuilder } from '../summary.ts';
import { RunningOrder } from './running-order.ts';
import { knownBefore } from './sealed-summary.ts';

/** Events are compressed in pieces of about this size. */
const PACKED_BYTES = 262_144;

/** The last block of sealed events. */
export interface Seal {
  readonly summary: Summary;
  /** Null: no task finished during this segment, and there is no Parquet file. */
  readonly parquet: {
    /** CRC-32 of the bytes of each row group. */
    readonly crc: readonly number[];
    /** The end of the file once more, base64, without the summary: its rows stay readable when its own is damaged. */
    readonly footer: string;
  } | null;
}

/**
 * Turns a journal into a sealed segment: its finished tasks into a Parquet file, all else into compressed events that say which rows
 * belong to which tick. The journal is deleted last, and a segment counts once its events are in place, so it may be interrupted
 * at any moment and done again. A torn end is left out.
 *
 * @returns null for a journal in which nothing happened (it is deleted) and for one whose middle is damaged (it stays).
 */
export async function sealJournal(directory: string, number: number): Promise<Summary | null> {
  const from = journalFile(directory, number);
  const journal = await readRegular(from);
  if (journal === null) throw new RecordingError(`${from} is gone`);
  const { blocks, damage } = readBlocks(journal, 'journal', from);
  // What comes after the damage is not thrown away: the journal stays for its reader to judge.
  if (damage !== null && !damage.torn) return null;
  const sealed = blocks.some(({ type }) => type === BLOCK.event || type === BLOCK.state)
    ? await writeSegment(directory, number, blocks, from)
    : null;
  await rm(from, { force: true });
  return sealed;
}

async function writeSegment(
  directory: string,
  number: number,
  blocks: readonly Block[],
  file: string,
): Promise<Summary> {
  const tables = new Tables();
  const decoder = new EventDecoder(tables.intern);
  const builder = new SummaryBuilder(tables.textOf);
  const before = await knownBefore(directory, number);
  const finished: FinishedColumns[] = [];
  const packer = new Packer();
  const order = new RunningOrder();
  let parts: FinishedColumns[] = [];
  for (const { type, payload, offset } of blocks) {
    try {
      if (type === BLOCK.strings) decoder.strings(payload);
      if (type === BLOCK.state) {
        const state = decoder.state(payload);
        if (state.session) builder.beginSession(before);
        for (const event of state.events) order.saw(event);
      }
      if (type === BLOCK.finished) {
        parts.push(decoder.finished(payload));
        continue;
      }
      if (type === BLOCK.links) {
        parts.push(decoder.links(payload, parts.pop()));
        continue;
      }
      if (type === BLOCK.event) {
        const event = decoder.event(payload, parts);
        builder.add(event);
        if (event.kind === 'tick' && event.finished !== undefined && event.finished.length > 0) {
          finished.push(event.finished);
          packer.add(BLOCK.rows, encodeRows(event.finished, event.time, order));
        }
        order.saw(event);
        parts = [];
      }
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      // Whole by its checksum and yet nothing that we write: what follows cannot be told.
      throw new RecordingError(`${file} at byte ${offset}: ${error.message}`);
    }
    packer.add(type, payload);
  }
  const summary = builder.result(number);
  await mkdir(path.join(directory, TASKS), { recursive: true });
  await mkdir(path.join(directory, EVENTS), { recursive: true });
  let parquet: Seal['parquet'] = null;
  if (finished.length > 0) {
    // Who worked is a column of the same file.
    const { workers: _, ...told } = summary;
    const { bytes, footer } = writeTasks(finished, tables.textOf, JSON.stringify(told));
    await writeWhole(tasksFile(directory, number), directory, bytes);
    parquet = { crc: new TasksReader(bytes, footer).checksums(), footer: footer.toString('base64') };
  }
  const seal = encodeBlock(BLOCK.seal, Buffer.from(JSON.stringify({ summary, parquet } satisfies Seal)));
  await writeWhole(
    eventsFile(directory, number),
    directory,
    Buffer.concat([fileHead('events'), ...packer.finish(), seal]),
  );
  return summary;
}

/** Several small blocks compressed as one. */
class Packer {
  readonly #done: Buffer[] = [];
  #parts: Uint8Array[] = [];
  #size = 0;

  add(type: number, payload: Uint8Array): void {
    const head = Buffer.alloc(5);
    head[0] = type;
    head.writeUInt32LE(payload.length, 1);
    this.#parts.push(head, payload);
    this.#size += payload.length;
    if (this.#size >= PACKED_BYTES) this.#pack();
  }

  finish(): Buffer[] {
    if (this.#size > 0) this.#pack();
    return this.#done;
  }

  #pack(): void {
    this.#done.push(encodeBlock(BLOCK.packed, deflateRawSync(Buffer.concat(this.#parts), { level: 9 })));
    this.#parts = [];
    this.#size = 0;
  }
}

/** The file is there whole, or not at all. */
async function writeWhole(file: string, directory: string, bytes: Uint8Array): Promise<void> {
  const aside = path.join(directory, `.${path.basename(file)}.part`);
  const handle = await open(aside, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(aside, { force: true });
    throw error;
  }
  await handle.close();
  await rename(aside, file);
  await syncFolder(path.dirname(file));
}
