import { RecordingError } from '../files/event-decoder.ts';
import { ThriftReader } from './thrift.ts';

/** Rows of a row group, which is what a reader holds at once: three to a segment, as each has dictionaries of its own. Readers take no larger one, so it never shrinks. */
export const ROWS_A_GROUP = 45_056;
/** A segment is closed after 131,072 tasks, and a tick is not torn apart. */
const MOST_GROUPS = 256;
const MOST_COLUMNS = 256;
/** Of a column of lists in a row group: 64 dependencies a task are half of it. */
const MOST_VALUES = 128 * ROWS_A_GROUP;

export type Kind = 'text' | 'whole' | 'flag';

/** `definition`: at this level there is a value. `list`: there are several a row. */
export interface Leaf {
  readonly kind: Kind;
  readonly definition: number;
  readonly list: boolean;
}

const leaf = (kind: Kind, definition = 0, list = false): Leaf => ({ kind, definition, list });

/** The columns that are read. Those of an earlier make lack the last three; what a later one may add is passed over. */
export const LEAVES = {
  key: leaf('text'),
  name: leaf('text'),
  group: leaf('text'),
  worker: leaf('text'),
  thread: leaf('whole'),
  status: leaf('text'),
  nbytes: leaf('whole', 1),
  type: leaf('text'),
  'startstops.action': leaf('text', 1, true),
  'startstops.start': leaf('whole', 1, true),
  'startstops.stop': leaf('whole', 1, true),
  'startstops.source': leaf('text', 2, true),
  exception: leaf('text', 1),
  traceback: leaf('text', 1),
  ready: leaf('whole', 1),
  needs: leaf('whole'),
  dependencies: leaf('whole', 1, true),
} as const satisfies Readonly<Record<string, Leaf>>;
export type LeafName = keyof typeof LEAVES;

/** Parquet's numbers. */
const TYPES: Readonly<Record<Kind, number>> = { flag: 0, whole: 2, text: 6 };
const GZIP = 2;

/** The pages of a column in a row group: bytes [from, to) of the file. */
export interface Chunk {
  readonly leaf: Leaf;
  readonly from: number;
  readonly to: number;
  /** Rows; of lists, what is in them, and a list with nothing in it counts as one. */
  readonly values: number;
}

export interface Group {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
  readonly chunks: ReadonlyMap<LeafName, Chunk>;
}

/**
 * The row groups of a file of `size` bytes whose last bytes are `footer`. All of it is checked against what the writer of recordings
 * does, so that no reader goes through a byte of the file twice or makes more of it than was once recorded. The schema is not asked:
 * the format says what it is.
 *
 * @throws RecordingError
 */
export function readFooter(footer: Uint8Array, size: number): readonly Group[] {
  const end = footer.length - 8;
  if (end < 0 || Buffer.from(footer.subarray(end + 4)).toString('latin1') !== 'PAR1')
    throw new RecordingError('no footer of a Parquet file');
  const length = new DataView(footer.buffer, footer.byteOffset + end).getUint32(0, true);
  if (length > end) throw new RecordingError('no footer of a Parquet file');
  const reader = new ThriftReader(footer, end - length, end);
  const groups: Group[] = [];
  const last = { at: 4 };
  reader.struct((id) => {
    if (id !== 4) return false;
    reader.list(MOST_GROUPS, () => groups.push(readGroup(reader, size, last)));
    return true;
  });
  if (groups.length === 0) throw new RecordingError('a Parquet file without rows');
  return groups;
}

/** `last`: where the column before it ends. They follow one another. */
function readGroup(reader: ThriftReader, size: number, last: { at: number }): Group {
  const read: { readonly name: string; readonly type: number; readonly codec: number; readonly chunk: Chunk }[] = [];
  let rows = 0;
  reader.struct((id) => {
    if (id === 1) reader.list(MOST_COLUMNS, () => read.push(readColumn(reader)));
    else if (id === 3) rows = reader.whole();
    else return false;
    return true;
  });
  if (rows < 1 || rows > ROWS_A_GROUP) throw new RecordingError(`a row group of ${rows} rows`);
  const from = read[0]?.chunk.from ?? 0;
  const chunks = new Map<LeafName, Chunk>();
  for (const { name, type, codec, chunk } of read) {
    if (chunk.from < last.at || chunk.to < chunk.from || chunk.to > size)
      throw new RecordingError(`the column ${name} lies elsewhere`);
    last.at = chunk.to;
    if (!Object.hasOwn(LEAVES, name)) continue;
    const known = name as LeafName;
    const { kind, list } = LEAVES[known];
    const { values } = chunk;
    if (chunks.has(known)) throw new RecordingError(`the column ${name} is there twice`);
    if (type !== TYPES[kind] || codec !== GZIP) throw new RecordingError(`the column ${name} is another one`);
    if (list ? values < rows || values > MOST_VALUES : values !== rows)
      throw new RecordingError(`the column ${name} is not whole`);
    chunks.set(known, { ...chunk, leaf: LEAVES[known] });
  }
  return { rows, from, to: last.at, chunks };
}

function readColumn(reader: ThriftReader) {
  let name = '';
  let [type, codec, values, size, data] = [-1, -1, 0, 0, 0];
  let dictionary: number | null = null;
  const meta = (id: number): boolean => {
    if (id === 1) type = reader.whole();
    else if (id === 3) name = readPath(reader);
    else if (id === 4) codec = reader.whole();
    else if (id === 5) values = reader.whole();
    else if (id === 7) size = reader.whole();
    else if (id === 9) data = reader.whole();
    else if (id === 11) dictionary = reader.whole();
    else return false;
    return true;
  };
  reader.struct((id) => {
    if (id !== 3) return false;
    reader.struct(meta);
    return true;
  });
  const from = dictionary ?? data;
  return { name, type, codec, chunk: { leaf: LEAVES.key, from, to: from + size, values } };
}

/** What Parquet calls the middle of a list is left out: `startstops.list.element.start` is `startstops.start`. */
function readPath(reader: ThriftReader): string {
  const parts: string[] = [];
  reader.list(8, () => {
    const part = reader.bytes();
    if (part.length > 64) throw new RecordingError('a column with a long name');
    parts.push(Buffer.from(part).toString('utf8'));
  });
  return parts.filter((part) => part !== 'list' && part !== 'element').join('.');
}
