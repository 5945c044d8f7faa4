import { readFileSync } from 'node:fs';
import { TaskglassError } from '../../base/errors.ts';
import { parseAddress } from './comm/address.ts';

/** Where a scheduler is: an address, or the file that `dask scheduler --scheduler-file` writes, in which it stands. */
export type SchedulerAddress = string | { readonly schedulerFile: string };

/** Of such a file: a scheduler's identity with some of its workers. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * A function that says where the scheduler is now. A file is read each time: a scheduler that is started anew, perhaps on another
 * machine, writes its address there.
 *
 * @throws for an address ADDRESS_INVALID, SCHEME_UNSUPPORTED; the function throws those, and SCHEDULER_FILE_UNREADABLE.
 */
export function addressOf(where: SchedulerAddress): () => string {
  if (typeof where !== 'string') return () => readSchedulerFile(where.schedulerFile);
  const { text } = parseAddress(where);
  return () => text;
}

function readSchedulerFile(file: string): string {
  const unreadable = (why: string, cause?: unknown): TaskglassError =>
    new TaskglassError('SCHEDULER_FILE_UNREADABLE', `${file} ${why}`, { cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(`(${(error as NodeJS.ErrnoException).code ?? 'no reason given'})`, error);
  }
  if (text.length > MOST_BYTES) throw unreadable('is too large');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable('is not JSON', error);
  }
  const address = typeof value === 'object' && value !== null ? (value as { address?: unknown }).address : undefined;
  if (typeof address !== 'string') throw unreadable('names no address');
  return parseAddress(address).text;
}
