import { Packr, Unpackr } from 'msgpackr';
import { TaskglassError } from '../../../base/errors.ts';

/** What MessagePack can carry from a Dask process. Maps with a key that is not a string are `Map`s. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | { [key: string]: Value }
  | Map<Value, Value>;

const MAX_DEPTH = 200;

// A bigint beyond 2^53, a number below; the option is missing from the library's types.
const int64AsType = 'auto' as 'number';

const packer = new Packr({ useRecords: false, variableMapSize: true });
const asObjects = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType });
const asMaps = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType });

export function encode(value: unknown): Buffer {
  return packer.pack(value);
}

/**
 * Decodes one value. The bytes are walked first: a container that announces more than there is, a value nested
 * too deep or an extension type is refused before anything is allocated for it. Throws PROTOCOL_ERROR.
 */
export function decode(bytes: Uint8Array): Value {
  const stringKeys = inspect(bytes);
  try {
    return stringKeys ? (asObjects.unpack(bytes) as Value) : objectsWherePossible(asMaps.unpack(bytes) as Value);
  } catch (error) {
    throw new TaskglassError('PROTOCOL_ERROR', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

export function isRecord(value: unknown): value is { [key: string]: Value } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Uint8Array)
  );
}

function objectsWherePossible(value: Value): Value {
  if (Array.isArray(value)) return value.map(objectsWherePossible);
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([k, v]): [Value, Value] => [objectsWherePossible(k), objectsWherePossible(v)]);
  if (!entries.every((entry): entry is [string, Value] => typeof entry[0] === 'string')) return new Map(entries);
  // The same name that the other decoder gives to a key that would reach the prototype.
  return Object.fromEntries(entries.map(([k, v]) => [k === '__proto__' ? '__proto_' : k, v]));
}

const malformed = (why: string): never => {
  throw new TaskglassError('PROTOCOL_ERROR', `a malformed message: ${why}`);
};

/** Walks the structure without building anything. True when all keys of all maps are strings. */
function inspect(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length;
  let at = 0;
  let stringKeys = true;
  // Per open container: values to come, and for a map whether the next one is a key.
  const left: number[] = [1];
  const isMap: boolean[] = [false];
  const skip = (count: number): void => {
    at += count;
    if (at > size) malformed('truncated');
  };
  const uint = (width: 1 | 2 | 4): number => {
    const from = at;
    skip(width);
    return width === 1 ? bytes[from]! : width === 2 ? view.getUint16(from) : view.getUint32(from);
  };
  const open = (values: number, map: boolean): void => {
    if (values > size - at) malformed('a container that announces more than there is');
    if (values === 0) return;
    if (left.length > MAX_DEPTH) malformed('nested too deep');
    left.push(values);
    isMap.push(map);
  };
  while (left.length > 0) {
    const top = left.length - 1;
    if (left[top] === 0) {
      left.pop();
      isMap.pop();
      continue;
    }
    const isKey = isMap[top]! && left[top]! % 2 === 0;
    left[top]!--;
    const code = uint(1);
    const isString = (code >= 0xa0 && code < 0xc0) || (code >= 0xd9 && code <= 0xdb);
    if (isKey && !isString) stringKeys = false;
    if (code < 0x80 || code >= 0xe0) continue;
    if (code < 0x90) open(2 * (code & 15), true);
    else if (code < 0xa0) open(code & 15, false);
    else if (code < 0xc0) skip(code & 31);
    else {
      switch (code) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break;
        case 0xc4:
        case 0xd9:
          skip(uint(1));
          break;
        case 0xc5:
        case 0xda:
          skip(uint(2));
          break;
        case 0xc6:
        case 0xdb:
          skip(uint(4));
          break;
        case 0xcc:
        case 0xd0:
          skip(1);
          break;
        case 0xcd:
        case 0xd1:
          skip(2);
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          skip(4);
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          skip(8);
          break;
        case 0xdc:
          open(uint(2), false);
          break;
        case 0xdd:
          open(uint(4), false);
          break;
        case 0xde:
          open(2 * uint(2), true);
          break;
        case 0xdf:
          open(2 * uint(4), true);
          break;
        default:
          malformed(`type 0x${code.toString(16)}`);
      }
    }
  }
  if (at !== size) malformed('bytes behind its end');
  return stringKeys;
}
