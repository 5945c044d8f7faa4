import { TaskglassError } from '../../../base/errors.ts';
import { decompress } from './decompress.ts';
import { type DaskValue, revive, Serialized } from './message.ts';
import { decode, isRecord, type Value } from './msgpack.ts';

const MAX_BYTES = 256 * 1024 * 1024;
const BYTES_TYPES = new Set(['bytes', 'bytearray', 'memoryview'].flatMap((name) => [name, `builtins.${name}`]));

/**
 * The value of an object that was serialised out of band, for the families that need no pickle: msgpack, bytes
 * and errors (thrown). Anything else stays what it is. Throws PROTOCOL_ERROR for what cannot be read.
 */
export async function deserialize(object: Serialized): Promise<DaskValue> {
  const names = object.header.compression;
  const frames: Uint8Array[] = [];
  let left = MAX_BYTES;
  for (const [i, frame] of object.frames.entries()) {
    const name = Array.isArray(names) ? names[i] : null;
    const whole = await decompress(typeof name === 'string' ? name : null, frame, left);
    left -= whole.length;
    frames.push(whole);
  }
  return read(object.header, joinShards(object.header, frames));
}

type Header = { readonly [key: string]: Value };

function read(header: Header, frames: readonly Uint8Array[]): DaskValue {
  if (header['is-collection']) return readCollection(header, frames);
  switch (header.serializer) {
    case 'msgpack':
      return revive(decode(join(frames)), []);
    case 'error':
      throw new TaskglassError('PROTOCOL_ERROR', Buffer.concat(frames).toString('utf8').slice(0, 2000));
    case 'dask':
      if (typeof header.type === 'string' && BYTES_TYPES.has(header.type)) return join(frames);
  }
  return new Serialized(header, frames);
}

function readCollection(header: Header, frames: readonly Uint8Array[]): DaskValue {
  const headers = header['sub-headers'];
  const lengths = header['frame-lengths'];
  if (!Array.isArray(headers) || !Array.isArray(lengths))
    throw new TaskglassError('PROTOCOL_ERROR', 'a collection without parts');
  let at = 0;
  const parts = headers.map((sub, i): [DaskValue, DaskValue] => {
    const length = lengths[i];
    // A part that lies behind the frames, or goes back to those of another one, could be read any number of times.
    if (!isRecord(sub) || !isCount(length) || length > frames.length - at)
      throw new TaskglassError('PROTOCOL_ERROR', 'a part of a collection');
    const value = read(sub, frames.slice(at, at + length));
    at += length;
    return [revive(sub.key ?? null, []), value];
  });
  switch (header['type-serialized']) {
    case 'dict':
      return parts.every((part): part is [string, DaskValue] => typeof part[0] === 'string')
        ? Object.fromEntries(parts)
        : new Map(parts);
    case 'set':
      return new Set(parts.map((part) => part[1]));
    default:
      return parts.map((part) => part[1]);
  }
}

/** Buffers over 64 MiB travel in several frames. */
function joinShards(header: Header, frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const counts = header['split-num-sub-frames'];
  const offsets = header['split-offsets'];
  if (!Array.isArray(counts) || !Array.isArray(offsets)) return frames;
  let next = 0;
  return counts.map((count, i) => {
    const offset = offsets[i];
    // One after the other, each frame once: what is joined is never more than what came.
    if (!isCount(count) || !isCount(offset) || offset < next || count > frames.length - offset)
      throw new TaskglassError('PROTOCOL_ERROR', 'shards');
    next = offset + count;
    return join(frames.slice(offset, offset + count));
  });
}

function isCount(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function join(frames: readonly Uint8Array[]): Uint8Array {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
}
