import { expect, test } from 'vitest';
import { keyText } from './python-key.ts';
import { keyFromText } from './python-key-parse.ts';

test.each([[['x', 1]], [['x']], [['x', 0, -12, 'a "b"']], [['x', ['y', 2], 3]], [["it's", 5]]])('%j', (key) => {
  expect(keyFromText(keyText(key))).toEqual(key);
});

test.each([
  'inc-1',
  '(',
  "('x', 1",
  "('x', 1) ",
  "('x' 1)",
  "('x', 1.5)",
  "('x', None)",
  "('\\n', 1)",
  `${'('.repeat(99)}1`,
])('%s is no tuple', (text) => {
  expect(keyFromText(text)).toBeUndefined();
});
