import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskglassError } from '../../base/errors.ts';
import type { SourceEvent } from '../../model/source-event.ts';
import { Tables } from '../../recording/export/tables.ts';
import { Recorder } from '../../recording/recorder.ts';
import { sealInThread } from '../../recording/sealing/sealing.ts';
import type { TlsOptions } from '../../source/dask/index.ts';
import { Keeper } from '../moments/keeper.ts';

export { RECORD_STATUSES as TASK_STATUSES } from '../../model/task-state.ts';
export type { Damage } from '../../recording/files/blocks.ts';
export { type RecordingStats, recordingStats } from '../../recording/stats.ts';
export type { TlsOptions } from '../../source/dask/index.ts';
export {
  EXPORT_FORMATS,
  type ExportFormat,
  exportRecording,
  type RecordingSelection,
} from '../export/recording-export.ts';

// What the command does with recordings without serving a page.

export interface RecordOnlyOptions {
  /** The folder of the recording. That of a scheduler that takes its place gets a number behind it. */
  readonly directory: string;
  readonly wait?: boolean;
  readonly tls?: TlsOptions;
  readonly signal: AbortSignal;
  readonly began: (address: string, directory: string) => void;
  readonly lost: (reason: string) => void;
}

/**
 * Records a Dask scheduler until the signal is given. Resolves with the number of tasks that finished meanwhile.
 *
 * @throws what the source throws, RECORDING_FAILED when it cannot be written.
 */
export async function recordOnly(address: string, options: RecordOnlyOptions): Promise<number> {
  const { directory, wait = false, tls, signal, began, lost } = options;
  const tables = new Tables();
  const directories = new Map<string, string>();
  let tasks = 0;
  const failed = new AbortController();
  const accept = (event: SourceEvent): void => {
    if (event.kind === 'tick') tasks += event.finished?.length ?? 0;
    if (event.kind === 'link' && event.state === 'lost') lost(event.reason);
  };
  const recorder = new Recorder({ intern: tables.intern, accept }, tables.textOf, {
    directoryOf: ({ id }) => {
      const number = directories.size + 1;
      const own =
        directories.get(id) ?? (number === 1 ? path.resolve(directory) : `${path.resolve(directory)}-${number}`);
      directories.set(id, own);
      return own;
    },
    seal: sealInThread,
    keeper: new Keeper(),
    changed: ({ state, reason, directory: own }) => {
      if (state === 'recording') began(address, own ?? directory);
      if (state === 'stopped') failed.abort(new TaskglassError('RECORDING_FAILED', reason));
    },
  });
  const { DaskSource } = await import('../../source/dask/index.ts');
  await using source = new DaskSource(address, { ...(tls && { tls }) });
  try {
    await source.start(recorder, { wait });
    await sleep(2 ** 31 - 1, null, { signal: AbortSignal.any([signal, failed.signal]) }).catch(() => {});
  } finally {
    await source.close();
    await recorder.close();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
  return tasks;
}
