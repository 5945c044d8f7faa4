import { encodeUtf8 } from '../base/utf8.ts';
import { aligned, COLUMN_MARK, type Column, columnTypeOf, MAGIC_0, MAGIC_1, NUMBER_MARK, PREAMBLE } from './columns.ts';
import { type ServerMessage, WIRE_VERSION } from './message.ts';
import { packTracks } from './tracks.ts';

/** One binary message: preamble, JSON head, padding, columns. Copies the columns; the result is the caller's. */
export function encode(message: ServerMessage): Uint8Array<ArrayBuffer> {
  const columns: { readonly column: Column; readonly offset: number }[] = [];
  let end = 0;

  // JSON.stringify hands every value of the tree to this once, and does not hand back what it returned.
  const replace = (_key: string, value: unknown): unknown => {
    if (typeof value === 'number') return Number.isFinite(value) ? value : { [NUMBER_MARK]: String(value) };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const type = columnTypeOf(value);
    if (type === null) return escapeDollars(value);
    const column = value as Column;
    const offset = end;
    columns.push({ column, offset });
    end = aligned(end + column.byteLength);
    return { [COLUMN_MARK]: [type, offset, column.length] };
  };

  const head = encodeUtf8(JSON.stringify(onWire(message), replace));
  const data = aligned(PREAMBLE + head.length);
  const bytes = new Uint8Array(data + end);
  bytes[0] = MAGIC_0;
  bytes[1] = MAGIC_1;
  bytes[2] = WIRE_VERSION;
  new DataView(bytes.buffer).setUint32(4, head.length, true);
  bytes.set(head, PREAMBLE);
  for (const { column, offset } of columns) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), data + offset);
  }
  return bytes;
}

function onWire(message: ServerMessage): object {
  if (message.kind !== 'state' || message.batch.tracks === undefined) return message;
  return { ...message, batch: { ...message.batch, tracks: packTracks(message.batch.tracks) } };
}

function escapeDollars(value: object): object {
  for (const key of Object.keys(value)) {
    if (key.startsWith('$')) {
      return Object.fromEntries(Object.entries(value).map(([k, item]) => [k.startsWith('$') ? `$${k}` : k, item]));
    }
  }
  return value;
}
