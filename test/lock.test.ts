import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('package-lock.json has the packages of every platform, so that npm ci works on all of them', () => {
  expect(execFileSync('node', ['scripts/complete-lock.mjs', '--check'], { encoding: 'utf8' })).toBe('');
});
