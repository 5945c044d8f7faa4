import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase85, encodeBase85 } from './base85.ts';

test('bytes come back, and no character of their text means anything in a document', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = String.fromCharCode(...encodeBase85(bytes));
      expect(text).toMatch(/^[^\s"'`\\&<>]*$/);
      expect(text.length).toBe(Math.ceil((bytes.length * 5) / 4));
      expect([...decodeBase85(text)]).toEqual([...bytes]);
    }),
  );
  expect(() => decodeBase85('abc<d')).toThrow(RangeError);
});
