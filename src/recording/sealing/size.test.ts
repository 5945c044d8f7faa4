import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { history } from '../../../bench/support/history-generator.ts';
import { Tables } from '../export/tables.ts';
import { Recorder } from '../recorder.ts';
import { Scratch } from '../scratch.fixture.ts';

/** Bytes a task in segments that are sealed. */
async function sealedBytes(tasks: number, hashed: number): Promise<number> {
  await using scratch = await Scratch.make();
  const directory = scratch.join('made');
  const tables = new Tables();
  const sink = { intern: tables.intern, accept: () => {} };
  const recorder = new Recorder(sink, tables.textOf, { directoryOf: () => directory });
  for (const event of history(recorder, { tasks, hashed })) {
    recorder.accept(event);
    await setImmediate();
  }
  await recorder.close();
  expect(await readdir(path.join(directory, 'journal'))).toEqual([]);
  let bytes = 0;
  for (const folder of ['tasks', 'events']) {
    for (const name of await readdir(path.join(directory, folder))) {
      bytes += (await stat(path.join(directory, folder, name))).size;
    }
  }
  return bytes / tasks;
}

it('a task takes 32 bytes, and 16 more where its key is a hash', async () => {
  expect(await sealedBytes(262_144, 0)).toBeLessThanOrEqual(32);
  expect(await sealedBytes(131_072, 1)).toBeLessThanOrEqual(48);
}, 120_000);
