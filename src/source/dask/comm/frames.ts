import { TaskglassError } from '../../../base/errors.ts';

/**
 * Dask's message framing: `u64 L | u64 n | u64 length[n] | frames…`, little-endian. `L` covers the whole
 * message in old versions and a part of it since 2023.11, so it is written in full and never read.
 */

export interface FrameLimits {
  readonly maxFrames: number;
  /** Of one message, all frames together. */
  readonly maxBytes: number;
}

export const DEFAULT_LIMITS: FrameLimits = { maxFrames: 65_536, maxBytes: 256 * 1024 * 1024 };

/** One message as a single buffer. */
export function packFrames(frames: readonly Uint8Array[]): Buffer {
  const head = Buffer.allocUnsafe(8 * (2 + frames.length));
  let total = 8 * (1 + frames.length);
  head.writeBigUInt64LE(BigInt(frames.length), 8);
  frames.forEach((frame, i) => {
    head.writeBigUInt64LE(BigInt(frame.length), 16 + 8 * i);
    total += frame.length;
  });
  head.writeBigUInt64LE(BigInt(total), 0);
  return Buffer.concat([head, ...frames]);
}

/**
 * Cuts a byte stream into messages. Nothing is allocated for what a header announces: bytes are kept as they
 * come and joined when a frame is complete. A frame inside one chunk is a view of it.
 */
export class FrameParser {
  readonly #onMessage: (frames: Buffer[]) => void;
  readonly #limits: FrameLimits;
  #chunks: Buffer[] = [];
  #available = 0;
  #need = 16;
  #state: 'prelude' | 'lengths' | 'frames' = 'prelude';
  #lengths: number[] = [];
  #frames: Buffer[] = [];

  constructor(onMessage: (frames: Buffer[]) => void, limits: FrameLimits = DEFAULT_LIMITS) {
    this.#onMessage = onMessage;
    this.#limits = limits;
  }

  /** Throws PROTOCOL_ERROR on what cannot be a Dask message; the stream is of no use afterwards. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    while (this.#available >= this.#need) this.#step(this.#take(this.#need));
  }

  #step(piece: Buffer): void {
    switch (this.#state) {
      case 'prelude': {
        const count = readLength(piece, 8);
        if (count < 1 || count > this.#limits.maxFrames) {
          throw new TaskglassError('PROTOCOL_ERROR', `a message of ${count} frames`);
        }
        this.#need = 8 * count;
        this.#state = 'lengths';
        return;
      }
      case 'lengths': {
        let total = 0;
        for (let at = 0; at < piece.length; at += 8) {
          const length = readLength(piece, at);
          total += length;
          if (total > this.#limits.maxBytes)
            throw new TaskglassError('PROTOCOL_ERROR', `a message of over ${total} bytes`);
          this.#lengths.push(length);
        }
        this.#need = this.#lengths[0]!;
        this.#state = 'frames';
        return;
      }
      case 'frames': {
        this.#frames.push(piece);
        if (this.#frames.length < this.#lengths.length) {
          this.#need = this.#lengths[this.#frames.length]!;
          return;
        }
        const frames = this.#frames;
        this.#frames = [];
        this.#lengths = [];
        this.#need = 16;
        this.#state = 'prelude';
        this.#onMessage(frames);
      }
    }
  }

  #take(size: number): Buffer {
    const first = this.#chunks[0];
    this.#available -= size;
    if (size === 0 || first === undefined) return Buffer.alloc(0);
    if (first.length > size) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    if (first.length === size) {
      this.#chunks.shift();
      return first;
    }
    const whole = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = whole.length > size ? [whole.subarray(size)] : [];
    return whole.subarray(0, size);
  }
}

function readLength(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32LE(at + 4);
  if (high > 0x1f_ffff) throw new TaskglassError('PROTOCOL_ERROR', 'a length beyond 2^53');
  return high * 0x1_0000_0000 + bytes.readUInt32LE(at);
}
