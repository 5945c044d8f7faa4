import { inflate } from 'node:zlib';
import { TaskglassError } from '../../base/errors.ts';

/**
 * Frames reach us compressed only inside objects that the scheduler forwards as they are. The decoders are
 * loaded when the first such frame comes. `maxBytes` bounds the output before it is allocated.
 */
export async function decompress(name: string | null, frame: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    switch (name) {
      case null:
        return frame;
      case 'zlib':
        return await inflateWithin(frame, maxBytes);
      case 'lz4':
        return await lz4(frame, maxBytes);
      case 'snappy': {
        plausible(snappySize(frame), frame, 32, maxBytes);
        const { uncompress } = (await import('snappyjs')).default;
        return uncompress(frame, maxBytes);
      }
      case 'zstd':
        return await zstd(frame, maxBytes);
    }
  } catch (error) {
    if (error instanceof TaskglassError) throw error;
    throw new TaskglassError('PROTOCOL_ERROR', `a ${name} frame: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  throw new TaskglassError('PROTOCOL_ERROR', `a frame compressed with ${JSON.stringify(name)}`);
}

function inflateWithin(frame: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    inflate(frame, { maxOutputLength: maxBytes }, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** python-lz4's `lz4.block`: the size as u32le, then one raw block. */
async function lz4(frame: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  if (frame.length < 4) throw new Error('truncated');
  const size = new DataView(frame.buffer, frame.byteOffset, 4).getUint32(0, true);
  plausible(size, frame, 255, maxBytes);
  const { decompressBlock } = (await import('lz4js')).default;
  const out = new Uint8Array(size);
  const written = decompressBlock(frame, out, 4, frame.length - 4, 0);
  if (written !== size) throw new Error(`${written} bytes instead of ${size}`);
  return out;
}

async function zstd(frame: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { Decompress } = await import('fzstd');
  const parts: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  const stream = new Decompress((part, final) => {
    size += part.length;
    tooLarge(size, maxBytes);
    parts.push(part.slice());
    ended ||= final === true;
  });
  // Small steps, so that the limit is met before much more than that was made.
  for (let at = 0; at < frame.length; at += 16_384) {
    stream.push(frame.subarray(at, at + 16_384), at + 16_384 >= frame.length);
  }
  if (!ended) throw new Error('truncated');
  return Buffer.concat(parts);
}

/** A raw snappy block begins with its size, seven bits a byte. */
function snappySize(frame: Uint8Array): number {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = frame[i] ?? 0x80;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return size;
  }
  throw new Error('truncated');
}

/** No more is allocated than the bytes that came can expand to. */
function plausible(size: number, frame: Uint8Array, ratio: number, maxBytes: number): void {
  tooLarge(size, maxBytes);
  if (size > ratio * frame.length) throw new Error('a size that its bytes cannot give');
}

function tooLarge(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new Error(`over ${maxBytes} bytes`);
}
