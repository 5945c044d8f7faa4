import { type Command as Commander, InvalidArgumentError, Option } from 'commander';
import { parseBytes } from '../base/parse-bytes.ts';
import { defaultFolder, type ServeOptions } from '../server/main.ts';

/** What is given of recording, as commander gives it. */
export interface RecordGiven {
  readonly record?: boolean;
  readonly recordDir?: string;
  readonly recordMaxAge?: number;
  readonly recordMaxSize?: number;
  readonly recordMaxCount?: number;
}

export function addRecordOptions(command: Commander): void {
  command
    .option('--no-record', 'do not record what is watched')
    .addOption(
      new Option('--record-dir <folder>', "where recordings go (default: the user's data folder)").env(
        'TASKGLASS_RECORD_DIR',
      ),
    )
    .option('--record-max-age <time>', 'delete older recordings, like 30d or 12h (default: 30d)', duration)
    .option(
      '--record-max-size <size>',
      'delete the oldest recordings beyond it, like 500MB (default: 10GB)',
      sizeInBytes,
    )
    .option('--record-max-count <n>', 'delete the oldest recordings beyond it (default: 100)', count);
}

/** Null: nothing is recorded. */
export function recordOf(given: RecordGiven): NonNullable<ServeOptions['record']> | null {
  const { record, recordDir, recordMaxAge, recordMaxSize, recordMaxCount } = given;
  if (record === false) return null;
  return {
    ...(recordDir !== undefined && { folder: recordDir }),
    ...(recordMaxAge !== undefined && { maxAge: recordMaxAge }),
    ...(recordMaxSize !== undefined && { maxSize: recordMaxSize }),
    ...(recordMaxCount !== undefined && { maxCount: recordMaxCount }),
  };
}

/** The folder whose recordings are listed, whether anything is recorded now or not. */
export function recordingsOf({ recordDir }: RecordGiven): string {
  return recordDir ?? defaultFolder();
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;
function duration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])$/i.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It must be like 30d, 12h, 90m or 45s.');
  return Number(number) * SECONDS[unit.toLowerCase() as keyof typeof SECONDS];
}

export function sizeInBytes(text: string): number {
  const value = parseBytes(text);
  // A bare number is more likely meant as something else than bytes.
  if (!(value > 0) || /\d\s*$/.test(text)) throw new InvalidArgumentError('It must be like 500MB, 10GB or 2GiB.');
  return value;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
