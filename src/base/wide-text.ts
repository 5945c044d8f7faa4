/**
 * Bytes as text for a document in UTF-16: ten characters hold 159 bits, of 160 that they take. A character's low eleven bits are bytes as
 * they are; its high five are a digit of base 30. So left out are what means something in a document (below U+0800) and surrogates; the
 * parser of HTML passes on all others, also those that Unicode gives no meaning.
 */
const LOW_BITS = 11;
/** The high five bits that a character may have. */
const HIGH = Array.from({ length: 32 }, (_, high) => high).filter((high) => high !== 0 && high !== 27);
const BASE = HIGH.length;
const DIGITS = Int8Array.from({ length: 32 }, (_, high) => HIGH.indexOf(high));
const GROUP = 10;
/** 30^10 is more than 2^49: twice what is moved at once. */
const HALF_BITS = 24;
const GROUP_BITS = 2 * HALF_BITS + 1;
/** Of the bytes: their number and their CRC-32. */
const HEAD = 8;

export function encodeWide(bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  const head = new DataView(new ArrayBuffer(HEAD));
  head.setUint32(0, bytes.length, true);
  head.setUint32(4, crc32(bytes), true);
  const bits = (HEAD + bytes.length) * 8;
  const groups = Math.ceil(bits / (GROUP_BITS + GROUP * LOW_BITS));
  const text = new Uint16Array(groups * GROUP);
  let at = 0;
  let rest = 0;
  let restBits = 0;
  const take = (count: number): number => {
    for (; restBits < count; restBits += 8, at++) {
      rest += (at < HEAD ? head.getUint8(at) : (bytes[at - HEAD] ?? 0)) * 2 ** restBits;
    }
    const value = rest % 2 ** count;
    rest = Math.floor(rest / 2 ** count);
    restBits -= count;
    return value;
  };
  for (let from = 0; from < text.length; from += GROUP) {
    let digits = take(HALF_BITS);
    digits += take(GROUP_BITS - HALF_BITS) * 2 ** HALF_BITS;
    for (let i = 0; i < GROUP; i++) {
      text[from + i] = HIGH[digits % BASE]! * 2 ** LOW_BITS + take(LOW_BITS);
      digits = Math.floor(digits / BASE);
    }
  }
  return text;
}

/** Throws a RangeError where the text is not whole or not ours. */
export function decodeWide(text: string): Uint8Array<ArrayBuffer> {
  const groups = Math.floor(text.length / GROUP);
  const all = new Uint8Array(Math.floor((groups * (GROUP_BITS + GROUP * LOW_BITS)) / 8));
  let at = 0;
  let rest = 0;
  let restBits = 0;
  const give = (value: number, count: number): void => {
    rest += value * 2 ** restBits;
    restBits += count;
    for (; restBits >= 8; restBits -= 8) {
      all[at++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  };
  for (let from = 0; from < groups * GROUP; from += GROUP) {
    let digits = 0;
    for (let i = GROUP - 1; i >= 0; i--) {
      const digit = DIGITS[text.charCodeAt(from + i) >>> LOW_BITS]!;
      if (digit < 0) throw new RangeError('a part of this file is damaged');
      digits = digits * BASE + digit;
    }
    give(digits % 2 ** HALF_BITS, HALF_BITS);
    give(Math.floor(digits / 2 ** HALF_BITS), GROUP_BITS - HALF_BITS);
    for (let i = 0; i < GROUP; i++) give(text.charCodeAt(from + i) % 2 ** LOW_BITS, LOW_BITS);
  }
  const head = new DataView(all.buffer);
  const length = all.length < HEAD ? 0 : head.getUint32(0, true);
  if (all.length < HEAD || length > all.length - HEAD) throw new RangeError('a part of this file is cut off');
  const bytes = all.slice(HEAD, HEAD + length);
  if (crc32(bytes) !== head.getUint32(4, true)) throw new RangeError('a part of this file is damaged');
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let value = -1;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255]! ^ (value >>> 8);
  return ~value >>> 0;
}
