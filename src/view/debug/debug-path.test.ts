import { expect, it } from 'vitest';
import { parseDebugPath } from './debug-path.ts';

it.each([
  ['/debug', { base: '/', pages: null }],
  ['/debug/', { base: '/', pages: null }],
  ['/proxy/8788/debug', { base: '/proxy/8788/', pages: null }],
  ['/scheduler/debug', { base: '/scheduler/', pages: '/' }],
  ['/at/home/scheduler/debug/', { base: '/at/home/scheduler/', pages: '/at/home/' }],
  ['/workers/10.0.0.1:4001/debug', { base: '/workers/10.0.0.1:4001/', pages: '/' }],
  ['/x/workers/debug/debug', { base: '/x/workers/debug/', pages: '/x/' }],
  ['/status', null],
  ['/workers', null],
  ['/debug/status', null],
  ['/', null],
])('%s', (path, expected) => expect(parseDebugPath(path)).toEqual(expected));
