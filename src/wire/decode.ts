import { TaskglassError } from '../base/errors.ts';
import { decodeUtf8Strictly } from '../base/utf8.ts';
import {
  aligned,
  COLUMN_MARK,
  COLUMN_TYPES,
  type Column,
  type ColumnType,
  MAGIC_0,
  MAGIC_1,
  NUMBER_MARK,
  PREAMBLE,
} from './columns.ts';
import { type ServerMessage, WIRE_VERSION } from './message.ts';
import { unpackTracks } from './tracks.ts';

/**
 * Reads what {@link encode} wrote. Columns are views of `bytes` where it is aligned to 8 bytes, copies otherwise.
 * Throws WIRE_VERSION for a message of another version and WIRE_MALFORMED for anything else that is not one.
 */
export function decode(bytes: Uint8Array): ServerMessage {
  if (bytes.length < PREAMBLE || bytes[0] !== MAGIC_0 || bytes[1] !== MAGIC_1) {
    throw malformed('it does not begin as a message does');
  }
  if (bytes[2] !== WIRE_VERSION) {
    throw new TaskglassError('WIRE_VERSION', `got version ${bytes[2]}, this page reads ${WIRE_VERSION}`);
  }
  const headLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (headLength > bytes.length - PREAMBLE) throw malformed(`its head of ${headLength} bytes is cut off`);
  const data = aligned(PREAMBLE + headLength);

  const revive = (_key: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    if (COLUMN_MARK in value) return readColumn(bytes, data, value[COLUMN_MARK]);
    if (NUMBER_MARK in value) return Number(value[NUMBER_MARK]);
    return unescapeDollars(value);
  };

  let message: unknown;
  try {
    message = JSON.parse(decodeUtf8Strictly(bytes.subarray(PREAMBLE, PREAMBLE + headLength)), revive);
  } catch (error) {
    if (error instanceof TaskglassError) throw error;
    throw malformed('its head is not JSON in UTF-8', error);
  }
  if (typeof message !== 'object' || message === null || typeof (message as { kind?: unknown }).kind !== 'string') {
    throw malformed('it has no kind');
  }
  return fromWire(message as ServerMessage);
}

function fromWire(message: ServerMessage): ServerMessage {
  if (message.kind !== 'state' || message.batch?.tracks === undefined) return message;
  return { ...message, batch: { ...message.batch, tracks: unpackTracks(message.batch.tracks) } };
}

function readColumn(bytes: Uint8Array, data: number, place: unknown): Column {
  if (!Array.isArray(place) || place.length !== 3) throw malformed('a column has no place');
  const [type, offset, length] = place as [unknown, unknown, unknown];
  if (typeof type !== 'string' || !Object.hasOwn(COLUMN_TYPES, type)) throw malformed(`column type ${String(type)}`);
  if (!isCount(offset) || !isCount(length) || offset % 8 !== 0) throw malformed('a column lies nowhere');
  const make = COLUMN_TYPES[type as ColumnType];
  const from = data + offset;
  const byteLength = length * make.BYTES_PER_ELEMENT;
  if (from + byteLength > bytes.length) throw malformed(`a column of ${length} values is cut off`);
  const at = bytes.byteOffset + from;
  if (at % make.BYTES_PER_ELEMENT === 0) return new make(bytes.buffer as ArrayBuffer, at, length);
  // Not `slice`, which in Node's Buffer copies nothing.
  return new make(new Uint8Array(bytes.subarray(from, from + byteLength)).buffer);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function unescapeDollars(value: object): object {
  for (const key of Object.keys(value)) {
    if (key.startsWith('$$')) {
      return Object.fromEntries(Object.entries(value).map(([k, item]) => [k.startsWith('$$') ? k.slice(1) : k, item]));
    }
  }
  return value;
}

function malformed(what: string, cause?: unknown): TaskglassError {
  return new TaskglassError('WIRE_MALFORMED', what, cause === undefined ? undefined : { cause });
}
