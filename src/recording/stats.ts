import { Tables } from './export/tables.ts';
import type { Damage } from './files/blocks.ts';
import type { Manifest } from './files/format.ts';
import { RecordingReader } from './reader.ts';
import { replay } from './replay.ts';
import { type Summary, SummaryBuilder } from './summary.ts';

export interface RecordingStats {
  readonly recording: Manifest;
  readonly summary: Omit<Summary, 'number'>;
  /** What could not be read. */
  readonly damages: readonly Damage[];
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
  return { recording: reader.manifest, summary, damages: reader.damages };
}
