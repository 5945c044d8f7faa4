/**
 * Decodes one raw LZ4 block of `from` (from `at` on) into exactly `size` bytes. Every length is checked against what is left of both
 * sides before a byte is copied, so a block costs no more time than its output has bytes. Throws Error.
 */
export function lz4Block(from: Uint8Array, at: number, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let to = 0;
  let read = at;

  /** A length above 14 goes on in further bytes, up to one that is not 255. */
  const long = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255; length += byte) {
      if (read >= from.length || length > size) throw new Error('truncated');
      byte = from[read++]!;
    }
    return length;
  };

  while (read < from.length) {
    const token = from[read++]!;
    const literals = long(token >> 4);
    if (literals > from.length - read || literals > size - to) throw new Error('literals beyond the end');
    out.set(from.subarray(read, read + literals), to);
    read += literals;
    to += literals;
    // The last sequence has no match.
    if (read === from.length) break;
    if (read + 2 > from.length) throw new Error('truncated');
    const offset = from[read]! | (from[read + 1]! << 8);
    read += 2;
    const match = long(token & 15) + 4;
    if (offset === 0 || offset > to) throw new Error('a match before the beginning');
    if (match > size - to) throw new Error('a match beyond the end');
    // A match may reach into what it makes: then it repeats.
    if (offset >= match) out.copyWithin(to, to - offset, to - offset + match);
    else for (let i = 0; i < match; i++) out[to + i] = out[to + i - offset]!;
    to += match;
  }
  if (to !== size) throw new Error(`${to} bytes instead of ${size}`);
  return out;
}
