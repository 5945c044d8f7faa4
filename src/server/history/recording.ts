import path from 'node:path';
import type { Logger } from 'pino';
import type { RecordingView } from '../../model/batch.ts';
import type { RecordOptions, RetentionLimits } from '../../model/record-options.ts';
import { defaultFolder, enforceRetention, folderName } from '../../recording/library.ts';
import { Recorder, type RecorderStatus } from '../../recording/recorder.ts';
import { sealInThread } from '../../recording/sealing/sealing.ts';
import type { ChainPart } from '../moments/chain.ts';
import { Keeper } from '../moments/keeper.ts';
import type { HistoryIndex } from './history-index.ts';

const DAY = 86_400;
const RETENTION: RetentionLimits = { maxAge: 30 * DAY, maxSize: 10e9, maxCount: 100 };

/** What a server writes down of what it watches. */
export interface Recording {
  readonly recorder: Recorder;
  /** What was written since this process began, by scheduler. */
  readonly parts: readonly ChainPart[];
  /** Writes what is left. */
  close(): Promise<void>;
  /** As pages show it. */
  view(): RecordingView;
}

/**
 * Records before the store, in a folder of its own for each scheduler. Old recordings are deleted at the start and whenever
 * a segment was sealed.
 */
export function startRecording(index: HistoryIndex, options: RecordOptions, logger: Logger): Recording {
  const { store } = index;
  const folder = path.resolve(options.folder ?? defaultFolder());
  const { maxAge, maxSize, maxCount } = { ...RETENTION, ...options };
  const tidy = (): void => {
    enforceRetention(folder, { maxAge, maxSize, maxCount }).then(
      (deleted) => {
        if (deleted.length > 0) logger.info({ deleted }, 'old recordings were deleted');
      },
      (error: unknown) => logger.warn({ err: error }, 'old recordings could not be deleted'),
    );
  };
  const parts: ChainPart[] = [];
  const changed = ({ state, reason, directory, first }: RecorderStatus): void => {
    if (state === 'recording' && directory !== null) parts.push({ directory, first });
    // The history of this process is that of the recording, from its beginning.
    if (state === 'recording' && directory !== null && first === 1) index.recordedIn(directory);
    if (state === 'recording') logger.info({ directory }, 'recording');
    if (state === 'stopped') logger.warn({ directory, reason }, 'recording has stopped');
  };
  const recorder = new Recorder(store, (table, index) => store.strings[table].at(index), {
    directoryOf: ({ id }) => path.join(folder, folderName(id)),
    seal: sealInThread,
    sealed: tidy,
    rested: () => void checkpoint(false),
    changed,
    keeper: new Keeper(),
  });
  const checkpoint = async (hurry: boolean): Promise<void> => {
    const { position } = recorder;
    if (position === null || store.cluster === null) return;
    const through = position.events > 0 ? position.number : position.number - 1;
    const segments = Array.from({ length: through }, (_, i) => i + 1);
    await index.checkpoint(store.cluster, position, segments, hurry);
  };
  tidy();
  return {
    recorder,
    parts,
    close: async () => {
      const closed = recorder.close();
      await checkpoint(true);
      await closed;
    },
    view: () => {
      const { state, reason } = recorder.status;
      return { state: state === 'stopped' ? 'stopped' : 'on', reason };
    },
  };
}
