import { crc32 } from 'node:zlib';
import { TaskglassError } from '../../base/errors.ts';
import { FORMAT_VERSION, requireVersion } from './format.ts';

/**
 * The frame of the journal and of the sealed events: a line of text that names the format, then blocks. A block is
 * a marker, the length of its payload, a CRC-32 over its type and payload (each 4 bytes, little-endian), one byte of type, the payload.
 */
export interface Block {
  readonly type: number;
  readonly payload: Buffer;
  /** Where it begins in its file. */
  readonly offset: number;
}

export const BLOCK = {
  /** JSON: new entries of the string tables. */
  strings: 1,
  /** Finished tasks in columns; belong to the next event, which is a tick. */
  finished: 2,
  /** JSON: one event. */
  event: 3,
  /** JSON: what was known when this file began. */
  state: 4,
  /** JSON, sealed only: how many of the next rows of the Parquet file belong to the next event. */
  rows: 5,
  /** Sealed only: blocks of the types above (type, length, payload), compressed with raw deflate. */
  packed: 6,
  /** JSON, sealed only, the last block: the summary, and what the Parquet file is checked by. */
  seal: 7,
  /** What the tasks of the block before, which is of finished ones, waited for. Readers of an earlier make pass over it. */
  links: 8,
} as const;

/** No block is larger, and none is read that says it is. */
export const MOST_PAYLOAD = 16 * 1024 * 1024;
/** Of what one event says, and of a file: a segment is closed at 48 MiB, and what came then was one message of Dask's at most. */
export const MOST_HELD = 512 * 1024 * 1024;
const MARKER = 0x62_47_54_f1;
const HEAD = 13;

export type FileKind = 'journal' | 'events';

export function fileHead(kind: FileKind): Buffer {
  return Buffer.from(`taskglass ${kind} ${FORMAT_VERSION}\n`);
}

/** @throws RangeError for a payload that is too large. */
export function encodeBlock(type: number, payload: Uint8Array): Buffer {
  if (payload.length > MOST_PAYLOAD) throw new RangeError(`a block of ${payload.length} bytes`);
  const block = Buffer.allocUnsafe(HEAD + payload.length);
  block.writeUInt32LE(MARKER, 0);
  block.writeUInt32LE(payload.length, 4);
  block[12] = type;
  block.set(payload, HEAD);
  block.writeUInt32LE(crc32(block.subarray(12)), 8);
  return block;
}

/** What is wrong with a file: what lies before `offset` is whole. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly what: string;
  /** The file merely ends early, as one does whose writer died: nothing whole follows. */
  readonly torn: boolean;
}

export interface Blocks {
  readonly blocks: readonly Block[];
  readonly damage: Damage | null;
}

/**
 * All whole blocks up to the first that is not; none where the first line is damaged.
 *
 * @throws RECORDING_VERSION for a file that a later version wrote.
 */
export function readBlocks(bytes: Buffer, kind: FileKind, file: string): Blocks {
  let begin: number;
  try {
    begin = readHead(bytes, kind, file);
  } catch (error) {
    if (!(error instanceof TaskglassError) || error.code !== 'NOT_A_RECORDING') throw error;
    // One segment of many: the others can be read.
    return { blocks: [], damage: { file, offset: 0, what: 'its first line is another', torn: false } };
  }
  if (begin === 0) return { blocks: [], damage: { file, offset: 0, what: 'it ends early', torn: true } };
  const blocks: Block[] = [];
  let offset = begin;
  while (offset < bytes.length) {
    const block = blockAt(bytes, offset);
    if (typeof block === 'string') {
      const torn = !wholeBlockAfter(bytes, offset + 1);
      return { blocks, damage: { file, offset, what: block, torn } };
    }
    blocks.push(block);
    offset += HEAD + block.payload.length;
  }
  return { blocks, damage: null };
}

/** The whole blocks at the beginning of some bytes of a file, and where what is not whole begins: a journal grows while it is read. */
export function wholeBlocks(bytes: Buffer): { readonly blocks: readonly Block[]; readonly end: number } {
  const blocks: Block[] = [];
  let end = 0;
  for (let block = blockAt(bytes, 0); typeof block !== 'string'; block = blockAt(bytes, end)) {
    blocks.push(block);
    end += HEAD + block.payload.length;
  }
  return { blocks, end };
}

/** The block that ends where the bytes do, as the last one of JSON does in a whole file; null where none does. */
export function blockAtEnd(bytes: Buffer): Block | null {
  const marker = Buffer.alloc(4);
  marker.writeUInt32LE(MARKER);
  // Text never holds these four bytes: the first one begins a character of four, and the second goes on with none.
  const offset = bytes.lastIndexOf(marker);
  const block = offset === -1 ? 'none' : blockAt(bytes, offset);
  return typeof block === 'string' || offset + HEAD + block.payload.length !== bytes.length ? null : block;
}

/** Bytes that are gone through to find out whether a file goes on behind damage. */
const MOST_LOOKED = 64 * MOST_PAYLOAD;

/**
 * Where the blocks begin; 0 for a file that was cut within its first line.
 *
 * @throws NOT_A_RECORDING, RECORDING_VERSION for a file that begins otherwise.
 */
export function readHead(bytes: Buffer, kind: FileKind, file: string): number {
  const end = bytes.subarray(0, 64).indexOf(0x0a);
  const text = bytes.subarray(0, end === -1 ? 64 : end).toString('latin1');
  const match = /^taskglass (\w+) (\d{1,9})$/.exec(text);
  if (match === null) {
    if (end === -1 && `taskglass ${kind} ${FORMAT_VERSION}\n`.startsWith(text)) return 0;
    throw new TaskglassError('NOT_A_RECORDING', `${file} does not begin as one`);
  }
  if (match[1] !== kind) throw new TaskglassError('NOT_A_RECORDING', `${file} is of kind ${match[1]}, not ${kind}`);
  requireVersion(Number(match[2]), file);
  return end + 1;
}

function blockAt(bytes: Buffer, offset: number): Block | string {
  if (offset + HEAD > bytes.length) return 'it ends within a block';
  if (bytes.readUInt32LE(offset) !== MARKER) return 'no block begins here';
  const length = bytes.readUInt32LE(offset + 4);
  if (length > MOST_PAYLOAD) return `a block of ${length} bytes`;
  const end = offset + HEAD + length;
  if (end > bytes.length) return 'it ends within a block';
  if (crc32(bytes.subarray(offset + 12, end)) !== bytes.readUInt32LE(offset + 8))
    return 'the checksum of a block is wrong';
  return { type: bytes[offset + 12]!, payload: bytes.subarray(offset + HEAD, end), offset };
}

/** True when what follows is not the torn end of a file: then its middle was damaged. */
function wholeBlockAfter(bytes: Buffer, from: number): boolean {
  const marker = Buffer.alloc(4);
  marker.writeUInt32LE(MARKER);
  let left = MOST_LOOKED;
  for (let at = bytes.indexOf(marker, from); at !== -1; at = bytes.indexOf(marker, at + 1)) {
    if (typeof blockAt(bytes, at) !== 'string') return true;
    // Each costs the checksum of what it says that it holds. What a writer tore off has no such heap of beginnings.
    left -= at + 8 <= bytes.length ? Math.min(bytes.readUInt32LE(at + 4), MOST_PAYLOAD) : 0;
    if (left < 0) return true;
  }
  return false;
}
