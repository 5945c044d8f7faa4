import { expect, it } from 'vitest';
import { PyCall, pickle, pickleExpression } from './pickle.ts';

it('writes protocol 2 opcodes', () => {
  expect(pickle(null).toString('latin1')).toBe('\x80\x02N.');
  expect(pickle([true, false, 'é']).toString('latin1')).toBe('\x80\x02(\x88\x89X\x02\x00\x00\x00\xc3\xa9t.');
  expect(pickle({ a: 1 }).toString('latin1')).toBe('\x80\x02}(X\x01\x00\x00\x00aJ\x01\x00\x00\x00u.');
  expect(pickle(2 ** 40).toString('latin1')).toBe('\x80\x02I1099511627776\n.');
  expect(pickle(0.5).toString('hex')).toBe('8002473fe00000000000002e');
  expect(pickle(new PyCall('builtins', 'eval', ['1'])).toString('latin1')).toBe(
    '\x80\x02cbuiltins\neval\n(X\x01\x00\x00\x001tR.',
  );
});

it('writes an expression as a call of eval', () => {
  expect(pickleExpression('x', { x: 3 }).toString('latin1')).toBe(
    '\x80\x02cbuiltins\neval\n(X\x01\x00\x00\x00x}(X\x01\x00\x00\x00xJ\x03\x00\x00\x00utR.',
  );
});
