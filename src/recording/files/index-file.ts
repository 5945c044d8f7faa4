import { createHmac, timingSafeEqual } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { readRegular } from '../regular-file.ts';
import type { ReplayPosition } from '../replay.ts';
import { DIGEST } from './page-file.ts';

/** The folder of what makes opening fast. It may be deleted at any time: it is made anew from the segments. */
export const INDEX = 'index';
const STATE = 'state';
/** Of the file, and of what is in it: +1 whenever any of it changes. An index of another version is made anew. */
const VERSION = 8;
const MAGIC = Buffer.from('TGINDEX\n');
const SIGNED = 16;
/** A version, the length of the header, and what signs both and all that follows: HMAC-SHA-256. */
const HEAD = SIGNED + 32;

/** What was known at one place of a recording: the small part of it, and where the pages of the large part lie. */
export interface IndexState {
  /** Of the recording, and of the program: what another one wrote may mean something else. */
  readonly id: string;
  readonly program: string;
  /** Segments that it covers. */
  readonly segments: readonly number[];
  readonly position: Omit<ReplayPosition, 'known'>;
  /** Base64 of the blocks that say what the position knows. */
  readonly known: readonly string[];
  /** Name of the file of pages beside it, and the bytes of a page. */
  readonly pages: string;
  readonly pageBytes: number;
  /** Places in `slots` of the pages that are needed at once. */
  readonly pinned: readonly number[];
  readonly numbers: Float64Array;
  readonly words: Uint32Array;
  readonly texts: readonly string[];
  readonly slots: Uint32Array;
  /** Of the pages in `slots`, {@link DIGEST} bytes each. */
  readonly digests: Uint8Array;
}

const SECTIONS = ['numbers', 'words', 'slots', 'digests'] as const;

/** The same as it is written, the long ones in parts. */
export interface IndexParts extends Omit<IndexState, 'numbers' | 'words'> {
  readonly numbers: readonly Float64Array[];
  readonly words: readonly Uint32Array[];
}

/** Puts it in place, signed: whole, or not at all. `turn` is awaited often, so that others have theirs. */
export async function writeIndexState(
  folder: string,
  key: Uint8Array,
  state: IndexParts,
  turn: () => Promise<void>,
): Promise<void> {
  const { numbers, words, texts, slots, digests, ...small } = state;
  const arrays = { numbers, words, slots: [slots], digests: [digests] };
  const lengths = SECTIONS.map((name) => arrays[name].reduce((sum, part) => sum + part.length, 0));
  const header = Buffer.from(JSON.stringify({ ...small, texts: texts.length, lengths }));
  const parts: Buffer[] = [header];
  for (const part of SECTIONS.flatMap((name): readonly (Float64Array | Uint32Array | Uint8Array)[] => arrays[name])) {
    parts.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  }
  for (const text of texts) parts.push(Buffer.from(`${text}\n`));
  const head = Buffer.alloc(HEAD);
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, 8);
  head.writeUInt32LE(header.length, 12);
  const signature = createHmac('sha256', key).update(head.subarray(0, SIGNED));
  for (const part of parts) {
    signature.update(part);
    await turn();
  }
  signature.digest().copy(head, SIGNED);
  const aside = path.join(folder, `${STATE}.part`);
  // What is left of one that was cut off; or a link, which is not to be followed.
  await rm(aside, { force: true });
  const handle = await open(aside, 'wx', 0o600);
  try {
    for (const part of [head, ...parts]) await handle.writeFile(part);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(aside, path.join(folder, STATE));
}

/** Null for what is not there, or of another version; `foreign` for what is not signed with this key: damaged, or of somebody else. */
export async function readIndexState(folder: string, key: Uint8Array): Promise<IndexState | 'foreign' | null> {
  const bytes = await readRegular(path.join(folder, STATE)).catch(() => null);
  if (bytes === null || bytes.length < HEAD) return null;
  if (!bytes.subarray(0, 8).equals(MAGIC) || bytes.readUInt32LE(8) !== VERSION) return null;
  const signature = createHmac('sha256', key).update(bytes.subarray(0, SIGNED)).update(bytes.subarray(HEAD)).digest();
  if (!timingSafeEqual(signature, bytes.subarray(SIGNED, HEAD))) return 'foreign';
  let at = HEAD + bytes.readUInt32LE(12);
  if (at > bytes.length) return null;
  const { texts, lengths, ...small } = JSON.parse(bytes.toString('utf8', HEAD, at)) as Omit<
    IndexState,
    'texts' | (typeof SECTIONS)[number]
  > & { readonly texts: number; readonly lengths: readonly number[] };
  /** The next section, which is `make`d once it is known to be there. */
  const section = <T extends Float64Array | Uint32Array | Uint8Array>(
    make: new (length: number) => T,
    width: number,
  ): T => {
    const length = lengths[sections++];
    if (!Number.isInteger(length) || length! < 0 || length! * width > bytes.length - at)
      throw new Error('it ends early');
    const array = new make(length!);
    new Uint8Array(array.buffer).set(bytes.subarray(at, at + array.byteLength));
    at += array.byteLength;
    return array;
  };
  let sections = 0;
  const numbers = section(Float64Array, 8);
  const words = section(Uint32Array, 4);
  const slots = section(Uint32Array, 4);
  const digests = section(Uint8Array, 1);
  if (digests.length !== slots.length * DIGEST) throw new Error('it lacks digests');
  return {
    ...small,
    numbers,
    words,
    slots,
    digests,
    texts: bytes.toString('utf8', at).split('\n').slice(0, texts),
  };
}
