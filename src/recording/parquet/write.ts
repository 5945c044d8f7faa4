import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { FinishedColumns } from '../../model/source-event.ts';
import type { Tables } from '../export/tables.ts';
import { ROWS_A_GROUP } from './footer.ts';
import { type Place, RowGroup } from './row-group.ts';
import { SCHEMA, schemaPaths } from './schema.ts';
import { writeChunk } from './write-chunk.ts';

const MAGIC = 0x31524150;

/** A Parquet file, and what its reader needs of its end. */
interface TasksFile {
  readonly bytes: Buffer;
  readonly footer: Buffer;
}

/** One Parquet file of finished tasks; `summary` goes into its footer under the key `taskglass`. */
export function writeTasks(parts: readonly FinishedColumns[], textOf: Tables['textOf'], summary: string): TasksFile {
  const writer = new TasksWriter(textOf, summary);
  const bytes = Buffer.concat([writer.add(parts), writer.finish()]);
  return { bytes, footer: writer.footer() };
}

/** Writes a Parquet file of finished tasks piece by piece: one row each, in the order in which they come. */
export class TasksWriter {
  readonly #summary: string | undefined;
  readonly #bytes = new ByteWriter();
  readonly #groups: Parameters<typeof writeMetadata>[1]['row_groups'] = [];
  readonly #group: RowGroup;

  constructor(textOf: Tables['textOf'], summary?: string) {
    this.#summary = summary;
    this.#group = new RowGroup(textOf);
    this.#bytes.appendUint32(MAGIC);
  }

  /** The next bytes of the file: those of the row groups that are full. */
  add(parts: readonly FinishedColumns[]): Buffer {
    for (const part of parts) {
      const from: Place = { row: 0, slice: 0, link: 0 };
      while (from.row < part.length) {
        this.#group.add(part, from);
        if (this.#group.rows === ROWS_A_GROUP) this.#write();
      }
    }
    return this.#take();
  }

  /** The last bytes of the file. */
  finish(): Buffer {
    if (this.#group.rows > 0) this.#write();
    this.#end(this.#bytes, this.#summary);
    return this.#take();
  }

  /** The end of a file that is finished once more, without the summary. */
  footer(): Buffer {
    const bytes = new ByteWriter();
    this.#end(bytes, undefined);
    return Buffer.from(bytes.getBuffer());
  }

  #end(bytes: ByteWriter, summary: string | undefined): void {
    const metadata = {
      version: 2,
      created_by: 'taskglass',
      schema: SCHEMA,
      num_rows: this.#groups.reduce((sum, { num_rows }) => sum + num_rows, 0n),
      row_groups: this.#groups,
      ...(summary !== undefined && { key_value_metadata: [{ key: 'taskglass', value: summary }] }),
    };
    // Its length is written behind it.
    writeMetadata(bytes, metadata as typeof metadata & { metadata_length: number });
    bytes.appendUint32(MAGIC);
  }

  #write(): void {
    const { rows, columns } = this.#group;
    const from = this.#bytes.offset;
    const all = Object.values(columns);
    const chunks = PATHS.map((path, at) => writeChunk(this.#bytes, path, all[at]!));
    this.#group.clear();
    this.#groups.push({
      columns: chunks,
      total_byte_size: chunks.reduce((sum, { meta_data }) => sum + meta_data.total_uncompressed_size, 0n),
      num_rows: BigInt(rows),
      total_compressed_size: BigInt(this.#bytes.offset - from),
    });
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#bytes.getBuffer());
    this.#bytes.index = 0;
    return bytes;
  }
}

const PATHS = schemaPaths();
