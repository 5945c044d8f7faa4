import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Tables } from '../../src/recording/export/tables.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import { sealJournal } from '../../src/recording/sealing/seal.ts';
import { history } from './history-generator.ts';

export interface SealedSize {
  /** Bytes a task: of the Parquet files, and of everything else. */
  readonly parquet: number;
  readonly events: number;
  /** Computing of sealing, microseconds a task. */
  readonly sealing: number;
}

/** Records a made history, seals all of it, and says what that takes on disk. `hashed`: the share of functions whose keys are hashes. */
export async function sealedSize(tasks: number, hashed: number): Promise<SealedSize> {
  const directory = await mkdtemp(path.join(tmpdir(), 'taskglass-size-'));
  try {
    const tables = new Tables();
    const sink = { intern: tables.intern, accept: () => {} };
    let sealing = 0;
    const recorder = new Recorder(sink, tables.textOf, {
      directoryOf: () => directory,
      async seal(folder, number) {
        const { user, system } = process.cpuUsage();
        const summary = await sealJournal(folder, number);
        const now = process.cpuUsage();
        sealing += now.user + now.system - user - system;
        return summary;
      },
    });
    for (const event of history(recorder, { tasks, hashed })) {
      recorder.accept(event);
      await setImmediate();
    }
    await recorder.close();
    if ((await readdir(path.join(directory, 'journal'))).length > 0) throw new Error('Not all of it was sealed');
    const size = async (folder: string): Promise<number> => {
      const files = await readdir(path.join(directory, folder));
      const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(directory, folder, name))).size));
      return sizes.reduce((a, b) => a + b, 0) / tasks;
    };
    return { parquet: await size('tasks'), events: await size('events'), sealing: sealing / tasks };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
