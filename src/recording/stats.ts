import type { Bytes } from '../model/units.ts';
import { Tables } from './export/tables.ts';
import type { Damage } from './files/blocks.ts';
import type { Manifest } from './files/format.ts';
import { indexBytes, segmentsOf } from './library.ts';
import { RecordingReader } from './reader.ts';
import { replay } from './replay.ts';
import { type Summary, SummaryBuilder } from './summary.ts';

export interface RecordingStats {
  readonly recording: Manifest;
  readonly summary: Omit<Summary, 'number'>;
  readonly bytes: RecordingBytes;
  /** What could not be read. */
  readonly damages: readonly Damage[];
}

/** What lies on the disk: `segments` is the recording, `index` may be deleted at any time. */
export interface RecordingBytes {
  readonly segments: Bytes;
  readonly index: Bytes;
}

/**
 * What a recording holds, counted task by task.
 *
 * @throws NOT_A_RECORDING, RECORDING_VERSION
 */
export async function recordingStats(file: string): Promise<RecordingStats> {
  const reader = await RecordingReader.open(file);
  const tables = new Tables();
  const builder = new SummaryBuilder(tables.textOf);
  for await (const event of replay(reader, tables.intern)) builder.add(event);
  const { number: _, ...summary } = builder.result(0);
  const { directory } = reader;
  const [segments, index] = await Promise.all([segmentsOf(directory), indexBytes(directory)]);
  const bytes = { segments: segments.reduce((sum, segment) => sum + segment.bytes, 0), index };
  return { recording: reader.manifest, summary, bytes, damages: reader.damages };
}
