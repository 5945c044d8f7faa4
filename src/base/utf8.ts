/**
 * UTF-8, which every platform we run on has under the same names. Declared here because the middle of the house
 * compiles with neither DOM nor Node types.
 */
declare const TextEncoder: new () => {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
};
declare const TextDecoder: new (label?: string, options?: { fatal?: boolean }) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true });
const lenient = new TextDecoder();

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Writes `text` into `bytes` and returns how many bytes that took. `bytes` must have 3 bytes per UTF-16 unit of room. */
export function encodeUtf8Into(text: string, bytes: Uint8Array): number {
  return encoder.encodeInto(text, bytes).written;
}

/** Malformed sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

/** Throws a TypeError where the bytes are not UTF-8. */
export function decodeUtf8Strictly(bytes: Uint8Array): string {
  return strict.decode(bytes);
}
