import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { loadIndexKey } from './index-key.ts';
import { Scratch } from './scratch.fixture.ts';

describe('the key of indices', () => {
  it('is made once, and nobody else may read it', async () => {
    await using scratch = await Scratch.make();
    const folder = scratch.join('a', 'taskglass');
    const { key, trouble } = await loadIndexKey(folder);
    expect([key.length, trouble]).toEqual([32, '']);
    expect((await loadIndexKey(folder)).key).toEqual(key);
    expect((await stat(scratch.join('a', 'taskglass', 'index.key'))).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
    expect((await loadIndexKey(folder)).key).not.toEqual(key);
  });

  it('is one when many make it at once', async () => {
    await using scratch = await Scratch.make();
    for (let round = 0; round < 10; round++) {
      const folder = scratch.join(String(round));
      const made = await Promise.all(Array.from({ length: 8 }, () => loadIndexKey(folder)));
      expect(new Set(made.map(({ key, trouble }) => Buffer.from(key).toString('hex') + trouble)).size).toBe(1);
      expect(await readdir(folder)).toEqual(['index.key']);
    }
  });

  it('is one when three processes make it at once', async () => {
    await using scratch = await Scratch.make();
    const code = `
      import { importTypescript } from './scripts/lib/typescript.mjs';
      const { loadIndexKey } = await importTypescript('src/recording/index-key.ts');
      process.stdout.write('ready');
      process.stdin.once('data', async () => {
        const { key, trouble } = await loadIndexKey(${JSON.stringify(scratch.join('taskglass'))});
        process.stdout.write(' ' + Buffer.from(key).toString('hex') + trouble);
        process.exit();
      });`;
    const children = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const said = children.map(({ stdout }) => text(stdout));
    await Promise.all(children.map(({ stdout }) => once(stdout, 'readable')));
    for (const { stdin } of children) stdin.end('go');
    const keys = await Promise.all(said);
    expect(keys[0]).toMatch(/^ready [0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
  });

  it.each<[string, RegExp, (file: string) => Promise<void>]>([
    ['may be read by others', /other users/, (file) => chmod(file, 0o644)],
    ['is cut short', /no key of 32 bytes/, (file) => writeFile(file, 'short')],
    ['is a folder', /EISDIR|no file/, (file) => rm(file).then(() => mkdir(file).then(() => {}))],
  ])('that %s is not used: the process has one of its own, and says why', async (_what, why, spoil) => {
    await using scratch = await Scratch.make();
    const file = scratch.join('index.key');
    const { key } = await loadIndexKey(scratch.path);
    await spoil(file);
    const other = await loadIndexKey(scratch.path);
    expect(other.key.length).toBe(32);
    expect(other.key).not.toEqual(key);
    expect(other.trouble).toMatch(why);
  });

  it('that cannot be put anywhere goes with the process', async () => {
    await using scratch = await Scratch.make();
    // A folder cannot be made where a file is, whoever asks.
    await writeFile(scratch.join('file'), 'mine');
    const { key, trouble } = await loadIndexKey(scratch.join('file', 'taskglass'));
    expect(key.length).toBe(32);
    expect(trouble).not.toBe('');
    expect(await readFile(scratch.join('file'), 'utf8')).toBe('mine');
  });
});
