import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseCommandLine } from './options.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-clusters-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = path.join(folder, 'clusters.txt');

function clusters(...args: string[]) {
  const command = parseCommandLine(args, '1.0.0');
  return command.command === 'attach' ? command.clusters : command.command;
}

describe('clusters on the command line', () => {
  test('one, several, none', () => {
    expect(clusters()).toEqual([{ address: 'tcp://127.0.0.1:8786' }]);
    expect(clusters('tcp://a:1')).toEqual([{ address: 'tcp://a:1' }]);
    expect(clusters('tcp://a:1', '--port', '9000', 'b:2', '--wait', 'tls://c:3')).toEqual([
      { address: 'tcp://a:1' },
      { address: 'b:2' },
      { address: 'tls://c:3' },
    ]);
  });

  test('from a file, with names and words for people; the ones that are typed come first', () => {
    writeFileSync(
      file,
      '# our clusters\n\ntcp://10.0.0.1:8786  production\r\n  tcp://10.0.0.2:8786 gpu  two # the new one\ntls://10.0.0.3:8786\n#tcp://old:8786\n',
    );
    const listed = [
      { address: 'tcp://10.0.0.1:8786', name: 'production' },
      { address: 'tcp://10.0.0.2:8786', name: 'gpu two' },
      { address: 'tls://10.0.0.3:8786' },
    ];
    expect(clusters('--clusters', file)).toEqual(listed);
    expect(clusters('tcp://a:1', '--clusters', file)).toEqual([{ address: 'tcp://a:1' }, ...listed]);
  });

  test.each([
    ['a file that is not there', ['--clusters', path.join(folder, 'missing')], 'cannot be read (ENOENT)'],
    ['a folder', ['--clusters', folder], 'cannot be read (EISDIR)'],
    ['an address twice', ['tcp://a:1', 'tcp://a:1'], 'tcp://a:1 is given twice'],
  ])('%s is an error', (_what, args, message) => {
    expect(() => clusters(...args)).toThrow(message);
  });

  test('a file without any address is an error', () => {
    writeFileSync(file, '# nothing yet\n');
    expect(() => clusters('--clusters', file)).toThrow(`${file} names no address`);
  });

  test('the words that are commands stay commands', () => {
    expect(clusters('demo')).toBe('demo');
    expect(clusters('open', '/some/where')).toBe('open');
    expect(() => clusters('demo', 'tcp://a:1')).toThrow('too many arguments');
  });
});

test('recordings are listed where they are recorded, and also when nothing is', () => {
  const recordings = (...args: string[]) => {
    const command = parseCommandLine(args, '1.0.0');
    return 'serve' in command ? command.serve.recordings : null;
  };
  const before = process.env.TASKGLASS_RECORD_DIR;
  try {
    delete process.env.TASKGLASS_RECORD_DIR;
    expect(recordings()).toMatch(/taskglass.recordings$/);
    expect(recordings('--no-record', '--record-dir', '/r')).toBe('/r');
    expect(recordings('open', 'x', '--record-dir', '/r')).toBe('/r');
    process.env.TASKGLASS_RECORD_DIR = '/env';
    expect(recordings('open', 'x')).toBe('/env');
  } finally {
    if (before === undefined) delete process.env.TASKGLASS_RECORD_DIR;
    else process.env.TASKGLASS_RECORD_DIR = before;
  }
});
