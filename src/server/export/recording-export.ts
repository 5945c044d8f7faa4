import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { TaskglassError } from '../../base/errors.ts';
import { ENGINE_VERSION as VERSION } from '../../engine/version.ts';
import type { TaskSelection } from '../../model/task-selection.ts';
import { type Exported, exportTasks, type Write, writeWhole } from '../../recording/export/export.ts';
import { PAGE_FOLDER, REPORT_PAGE } from '../../serving/page-files.ts';
import { RecordingSource } from '../../source/recording.ts';
import { Store } from '../../store/store.ts';
import { keyTest } from '../routes/text-test.ts';
import { EXPORT_FORMATS, type ExportFormat } from './formats.ts';
import { makeReport } from './report.ts';

export { EXPORT_FORMATS, type ExportFormat };

export interface ExportResult extends Exported {
  /** Tasks that are in it as sums alone. */
  readonly leftOut: number;
}

/** What a command line says of it. */
export interface RecordingSelection extends TaskSelection {
  readonly text?: string | undefined;
  /** `text` is a pattern. */
  readonly regex?: boolean;
}

/**
 * Exports a recording, all of it or a selection, into a file or to where `to` puts it.
 *
 * @throws NOT_A_RECORDING, RECORDING_VERSION, PAGE_NOT_BUILT, QUERY_INVALID
 */
export async function exportRecording(
  recording: string,
  format: ExportFormat,
  { regex = false, text, ...rest }: RecordingSelection,
  to: string | Write,
): Promise<ExportResult> {
  const selection: TaskSelection = { ...rest, text: keyTest(text, regex) };
  const fill = async (write: Write): Promise<ExportResult> =>
    format === 'html'
      ? reportOf(recording, selection, write)
      : { ...(await exportTasks(recording, format, selection, write)), leftOut: 0 };
  return typeof to === 'string' ? writeWhole(to, fill) : fill(to);
}

async function reportOf(recording: string, selection: TaskSelection, write: Write): Promise<ExportResult> {
  const template = await reportTemplate();
  const store = new Store({ monotonic: () => performance.now() });
  await using source = new RecordingSource(recording);
  await source.start(store);
  await source.finished;
  const made = Date.now() / 1000;
  const { bytes, tasks, leftOut } = await makeReport(store, { selection, template, server: VERSION, made });
  for await (const part of bytes) await write(part);
  return { tasks, leftOut, damages: source.damages };
}

/** The page of reports. Throws PAGE_NOT_BUILT. */
async function reportTemplate(): Promise<string> {
  try {
    return await readFile(path.join(PAGE_FOLDER, REPORT_PAGE), 'utf8');
  } catch (error) {
    throw new TaskglassError('PAGE_NOT_BUILT', `${REPORT_PAGE} is missing`, { cause: error });
  }
}
