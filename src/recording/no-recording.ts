import { access, readdir } from 'node:fs/promises';
import path from 'node:path';
import { TaskglassError } from '../base/errors.ts';
import { MANIFEST } from './files/format.ts';

/** Names of recordings that are said. */
const MOST_NAMED = 5;
const EXPORT = /\.(parquet|arrow|feather|ndjson|jsonl|csv|json|html?)$/i;

/** For a file that is no part of a recording. */
export function noRecordingOf(file: string): TaskglassError {
  const what = EXPORT.test(file)
    ? /\.html?$/i.test(file)
      ? `${file} is a file: a report is opened with a browser, as it is`
      : `${file} is a file: an export cannot be opened, only the recording that it was made of`
    : `${file} is no part of one`;
  return new TaskglassError('NOT_A_RECORDING', what);
}

/** For a folder without a manifest: perhaps it is one of recordings. */
export async function noRecordingIn(folder: string): Promise<TaskglassError> {
  const names: string[] = [];
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (await hasManifest(path.join(folder, name))) names.push(name);
  }
  const [first] = names;
  if (first === undefined) return new TaskglassError('NOT_A_RECORDING', `there is no ${path.join(folder, MANIFEST)}`);
  const more = names.length > MOST_NAMED ? `, … (${names.length} in all)` : '';
  return new TaskglassError(
    'NOT_A_RECORDING',
    `${folder} is a folder of recordings: ${names.slice(0, MOST_NAMED).join(', ')}${more}. ` +
      `Open one of them: taskglass open ${path.join(folder, first)}`,
  );
}

export function hasManifest(folder: string): Promise<boolean> {
  return access(path.join(folder, MANIFEST)).then(
    () => true,
    () => false,
  );
}
