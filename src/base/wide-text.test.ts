import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeWide, encodeWide } from './wide-text.ts';

test('bytes come back, and no character of their text means anything in a document', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = String.fromCharCode(...encodeWide(bytes));
      expect(text).toMatch(/^[\u0800-\ud7ff\ue000-\uffff]*$/);
      // Ten characters a group: 159 bits.
      expect(text.length).toBe(10 * Math.ceil(((bytes.length + 8) * 8) / 159));
      expect([...decodeWide(text)]).toEqual([...bytes]);
    }),
  );
});

test('a text that was cut off or changed is refused', () => {
  const text = String.fromCharCode(...encodeWide(Uint8Array.from({ length: 300 }, (_, i) => i)));
  expect(() => decodeWide(text.slice(0, -10))).toThrow('cut off');
  expect(() => decodeWide('')).toThrow('cut off');
  expect(() => decodeWide(`${text.slice(0, 50)}<${text.slice(51)}`)).toThrow('damaged');
  const other = text[50] === '\u4000' ? '\u4001' : '\u4000';
  expect(() => decodeWide(text.slice(0, 50) + other + text.slice(51))).toThrow('damaged');
});
