import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addressOf } from './scheduler-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-scheduler-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const schedulerFile = path.join(folder, 'scheduler.json');

test('an address stays what it is', () => {
  expect(addressOf('127.0.0.1:8786')()).toBe('tcp://127.0.0.1:8786');
});

test('a file is read each time', () => {
  const address = addressOf({ schedulerFile });
  for (const port of [8786, 9786]) {
    writeFileSync(schedulerFile, JSON.stringify({ type: 'Scheduler', address: `tcp://10.0.0.1:${port}`, workers: {} }));
    expect(address()).toBe(`tcp://10.0.0.1:${port}`);
  }
});

test.each([
  { text: '{"address": ', code: 'SCHEDULER_FILE_UNREADABLE', detail: /is not JSON/ },
  { text: '[]', code: 'SCHEDULER_FILE_UNREADABLE', detail: /names no address/ },
  { text: 'null', code: 'SCHEDULER_FILE_UNREADABLE', detail: /names no address/ },
  { text: '{"address": "ucx://host:1"}', code: 'SCHEME_UNSUPPORTED', detail: /ucx/ },
])('what is wrong with $text is said', ({ text, code, detail }) => {
  writeFileSync(schedulerFile, text);
  expect(addressOf({ schedulerFile })).toThrow(
    expect.objectContaining({ code, detail: expect.stringMatching(detail) }),
  );
});

test('a file that is not there', () => {
  const missing = path.join(folder, 'missing.json');
  expect(addressOf({ schedulerFile: missing })).toThrow(
    expect.objectContaining({ code: 'SCHEDULER_FILE_UNREADABLE', detail: expect.stringContaining('ENOENT') }),
  );
});
