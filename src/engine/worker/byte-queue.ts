/** Bytes that arrive in pieces and are taken in other pieces. What is taken has a buffer of its own. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #offset = 0;
  length = 0;

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.length += chunk.byteLength;
  }

  /** The first `size` bytes, copied once. The caller has checked `length`. */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (size > this.length) throw new RangeError(`${size} bytes asked, ${this.length} there`);
    const taken = new Uint8Array(size);
    let filled = 0;
    let used = 0;
    while (filled < size) {
      const chunk = this.#chunks[used]!;
      const part = chunk.subarray(this.#offset, this.#offset + size - filled);
      taken.set(part, filled);
      filled += part.byteLength;
      this.#offset += part.byteLength;
      if (this.#offset === chunk.byteLength) {
        used++;
        this.#offset = 0;
      }
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.length -= size;
    return taken;
  }

  /** The first four bytes as a number, left where they are. */
  peekUint32(): number {
    let value = 0;
    let chunk = 0;
    let at = this.#offset;
    for (let i = 0; i < 4; i++) {
      while (at >= this.#chunks[chunk]!.byteLength) {
        at = 0;
        chunk++;
      }
      value = value * 256 + this.#chunks[chunk]![at++]!;
    }
    return value;
  }
}
