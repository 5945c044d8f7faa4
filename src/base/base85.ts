/**
 * Bytes as text that may stand anywhere in a document: five characters for four bytes, where base64 takes five and a third. None of
 * them is a quote, a backslash, `&`, `<` or `>`.
 */
const ALPHABET = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))
  .filter((character) => !`"'\`\\&<>`.includes(character))
  .slice(0, 85);
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const VALUES = new Uint8Array(128).fill(255);
CODES.forEach((code, value) => {
  VALUES[code] = value;
});

/** The text as its ASCII codes. What is left over at the end, of n bytes, takes n + 1 characters. */
export function encodeBase85(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const rest = bytes.length % 4;
  const text = new Uint8Array(Math.floor(bytes.length / 4) * 5 + (rest === 0 ? 0 : rest + 1));
  for (let from = 0, to = 0; from < bytes.length; from += 4, to += 5) {
    let word = 0;
    for (let i = 0; i < 4; i++) word = word * 256 + (bytes[from + i] ?? 0);
    for (let i = 4; i >= 0; i--) {
      if (to + i < text.length) text[to + i] = CODES[word % 85]!;
      word = Math.floor(word / 85);
    }
  }
  return text;
}

/** Throws a RangeError where a character is none of ours. */
export function decodeBase85(text: string): Uint8Array<ArrayBuffer> {
  const rest = text.length % 5;
  const bytes = new Uint8Array(Math.floor(text.length / 5) * 4 + Math.max(0, rest - 1));
  for (let from = 0, to = 0; from < text.length; from += 5, to += 4) {
    let word = 0;
    for (let i = 0; i < 5; i++) {
      const value = from + i < text.length ? (VALUES[text.charCodeAt(from + i)] ?? 255) : 84;
      if (value === 255) throw new RangeError('this is not a text that holds bytes');
      word = word * 85 + value;
    }
    for (let i = 3; i >= 0; i--) {
      if (to + i < bytes.length) bytes[to + i] = word % 256;
      word = Math.floor(word / 256);
    }
  }
  return bytes;
}
