import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('docs/licences.md lists what is installed and built in, all of it under licences that are known', () => {
  expect(execFileSync('node', ['scripts/licences.mjs', '--check'], { encoding: 'utf8' })).toBe('');
});
