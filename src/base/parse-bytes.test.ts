import { expect, it } from 'vitest';
import { parseBytes } from './parse-bytes.ts';

it.each([
  ['0', 0],
  ['100', 100],
  ['512MB', 512e6],
  [' 1.5 gib ', 1.5 * 2 ** 30],
  ['', Number.NaN],
  ['MB', Number.NaN],
  ['-1MB', Number.NaN],
  ['1e3', Number.NaN],
  ['1 constructor', Number.NaN],
])('reads %j as %d bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});
