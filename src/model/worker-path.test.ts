import { expect, it } from 'vitest';
import { findWorker, workerPath } from './worker-path.ts';

const worker = (address: string, name: string, alive = true) => ({ address, name, alive });
const a = worker('tcp://10.0.0.1:4001', 'alpha');
const unnamed = worker('tcp://10.0.0.1:4002', 'tcp://10.0.0.1:4002');
const twin = worker('tcp://10.0.0.1:4003', 'twin');
const otherTwin = worker('tcp://10.0.0.2:4003', 'twin');
const gone = worker('tcp://10.0.0.9:4001', 'alpha', false);
const markup = worker('tcp://10.0.0.1:4004', '<img src=x>/../');
const dots = worker('tcp://10.0.0.1:4005', '..');
const all = [gone, a, unnamed, twin, otherTwin, markup, dots];

it.each([
  [a, 'alpha'],
  [unnamed, '10.0.0.1:4002'],
  [twin, '10.0.0.1:4003'],
  [markup, '10.0.0.1:4004'],
  [dots, '10.0.0.1:4005'],
])('%j stands in an address as %s, which leads back to it', (one, path) => {
  expect(workerPath(one, all)).toBe(path);
  expect(findWorker(all, path)).toBe(one);
});

it('whole addresses and any name are understood too', () => {
  expect(findWorker(all, 'tcp://10.0.0.2:4003')).toBe(otherTwin);
  expect(findWorker(all, '<img src=x>/../')).toBe(markup);
  expect(findWorker(all, 'nobody')).toBeUndefined();
});
