import { TaskglassError } from '../../../base/errors.ts';
import { packFrames } from './frames.ts';
import { decode, encode, isRecord, type Value } from './msgpack.ts';

/**
 * A Dask message: MessagePack in frame 0, with markers for what plain MessagePack cannot say and for objects
 * whose bytes lie in further frames.
 */
export type DaskValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | DaskValue[]
  | { [key: string]: DaskValue }
  | Map<DaskValue, DaskValue>
  | Set<DaskValue>
  | PyEnum
  | Serialized
  | Pickled;

/** A member of a Python enum. */
export class PyEnum {
  readonly type: string;
  readonly name: string;

  constructor(type: string, name: string) {
    this.type = type;
    this.name = name;
  }
}

/** An object that was serialised out of band; see `deserialize`. */
export class Serialized {
  readonly header: { readonly [key: string]: Value };
  readonly frames: readonly Uint8Array[];

  constructor(header: { readonly [key: string]: Value }, frames: readonly Uint8Array[]) {
    this.header = header;
    this.frames = frames;
  }
}

/** A pickle. Opaque for good: only its size is of interest. */
export class Pickled {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

export function encodeMessage(message: unknown): Buffer {
  return packFrames([encode(message)]);
}

/** Throws PROTOCOL_ERROR. */
export function decodeMessage(frames: readonly Uint8Array[]): DaskValue {
  return revive(decode(frames[0]!), frames);
}

/**
 * Gives markers their meaning. `frames` are those of the message, or empty inside a serialised object; `taken` are those that a
 * marker stands for already: each belongs to one, and a message that names one often would be read as often.
 */
export function revive(value: Value, frames: readonly Uint8Array[], taken = new Set<number>()): DaskValue {
  if (Array.isArray(value)) return value.map((item) => revive(item, frames, taken));
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [revive(key, frames, taken), revive(item, frames, taken)]));
  }
  if (!isRecord(value)) return value;
  if ('__Set__' in value)
    return new Set(Array.isArray(value['as-list']) ? value['as-list'].map((v) => revive(v, frames, taken)) : []);
  if ('__Enum__' in value) return new PyEnum(String(value.__name__), String(value.name));
  if ('__Serialized__' in value) {
    const { header, sub } = outOfBand(value.__Serialized__!, frames, taken);
    return new Serialized(header, sub);
  }
  if ('__Pickled__' in value) {
    const { header } = outOfBand(value.__Pickled__!, frames, taken);
    const bytes = header['pickled-obj'];
    return new Pickled(bytes instanceof Uint8Array ? bytes.length : 0);
  }
  const result: { [key: string]: DaskValue } = {};
  for (const [key, item] of Object.entries(value)) result[key] = revive(item, frames, taken);
  return result;
}

function outOfBand(
  at: Value,
  frames: readonly Uint8Array[],
  taken: Set<number>,
): { header: { [key: string]: Value }; sub: readonly Uint8Array[] } {
  const frame = typeof at === 'number' ? frames[at] : undefined;
  if (typeof at !== 'number' || frame === undefined || taken.has(at))
    throw new TaskglassError('PROTOCOL_ERROR', 'a frame that is not there');
  taken.add(at);
  const header = decode(frame);
  const count = isRecord(header) ? header['num-sub-frames'] : undefined;
  if (!isRecord(header) || typeof count !== 'number' || !(count >= 0 && at + 1 + count <= frames.length)) {
    throw new TaskglassError('PROTOCOL_ERROR', 'a serialised object without its frames');
  }
  return { header, sub: frames.slice(at + 1, at + 1 + count) };
}
