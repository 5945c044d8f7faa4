import { inflate } from 'node:zlib';
import { TaskglassError } from '../../../base/errors.ts';
import { lz4Block } from './lz4-block.ts';

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
        return lz4(frame, maxBytes);
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
function lz4(frame: Uint8Array, maxBytes: number): Uint8Array {
  if (frame.length < 4) throw new Error('truncated');
  const size = new DataView(frame.buffer, frame.byteOffset, 4).getUint32(0, true);
  plausible(size, frame, 255, maxBytes);
  return lz4Block(frame, 4, size);
}

/** One frame that says how long its content is, as Dask's always do, and so bounds what decoding it takes. */
async function zstd(frame: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { size, end } = zstdHead(frame);
  // The most that four bytes, a block of one repeated byte, can stand for.
  plausible(size, frame, 32_768, maxBytes);
  const { zstdFrame } = await import('./zstd-frame.ts');
  return await zstdFrame(frame, end, size);
}

/** What the header of a Zstandard frame says of its content's size (RFC 8878, 3.1.1.1), and where it ends. */
function zstdHead(frame: Uint8Array): { readonly size: number; readonly end: number } {
  if (frame.length < 9) throw new Error('truncated');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== 0xfd2f_b528) throw new Error('no Zstandard frame');
  const flags = frame[4]!;
  const single = (flags & 0x20) !== 0;
  const width = [single ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][flags & 3]!;
  if (width === 0) throw new Error('a frame that does not say its size');
  if (at + width > frame.length) throw new Error('truncated');
  const end = at + width;
  if (width === 1) return { size: view.getUint8(at), end };
  if (width === 2) return { size: view.getUint16(at, true) + 256, end };
  return { size: view.getUint32(at, true) + (width === 8 ? view.getUint32(at + 4, true) * 2 ** 32 : 0), end };
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
