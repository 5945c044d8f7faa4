import type { FileHandle } from 'node:fs/promises';
import type { Seconds } from '../../model/units.ts';
import { BLOCK, blockAtEnd } from '../files/blocks.ts';
import { eventsFile } from '../files/format.ts';
import { parseSeal } from '../reader.ts';
import { openRegular } from '../regular-file.ts';
import type { RunSummary } from '../run-list.ts';
import type { Summary } from '../summary.ts';

/** A summary lies in the last bytes of its file, nearly always in so many. */
const TAIL = 65_536;
const MOST_TAIL = 4 * 1024 * 1024;

/** The summary of a sealed segment, read from the end of its events alone. Null where it cannot be read. */
export async function sealedSummary(directory: string, number: number): Promise<Summary | null> {
  let file: FileHandle | null;
  try {
    file = await openRegular(eventsFile(directory, number));
  } catch {
    return null;
  }
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    for (let length = Math.min(size, TAIL); ; length = Math.min(size, 8 * length)) {
      const bytes = Buffer.allocUnsafe(length);
      const { bytesRead } = await file.read(bytes, 0, length, size - length);
      const block = blockAtEnd(bytes.subarray(0, bytesRead));
      if (block !== null) return block.type === BLOCK.seal ? checkSummary(parseSeal(block.payload)?.summary) : null;
      if (length === size || length >= MOST_TAIL) return null;
    }
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Until when tasks are known from the segment before; 0 where that is not known. */
export async function knownBefore(directory: string, number: number): Promise<Seconds> {
  for (let before = number - 1; before > 0 && before > number - 8; before--) {
    const lastTick = (await sealedSummary(directory, before))?.lastTick;
    if (typeof lastTick === 'number') return lastTick;
  }
  return 0;
}

/** A recording may come from anybody: null for what is no summary. */
function checkSummary(summary: Summary | undefined): Summary | null {
  if (summary === undefined) return null;
  const { tasks, erred, missed, unknownGaps, start, stop, firstTick, lastTick, functions, workers, runs } = summary;
  const counts = [tasks, erred, missed, unknownGaps];
  const times = [start, stop, firstTick, lastTick];
  const whole =
    counts.every(isNumber) &&
    times.every((time) => time === null || isNumber(time)) &&
    functions.every((fn) => typeof fn?.name === 'string' && isNumber(fn.tasks) && isNumber(fn.erred)) &&
    Array.isArray(workers) &&
    workers.every((worker) => typeof worker === 'string') &&
    (runs === undefined || (Array.isArray(runs) && runs.every(isRun)));
  return whole ? summary : null;
}

function isRun(run: RunSummary): boolean {
  return [run?.start, run?.stop, run?.tasks, run?.erred].every(isNumber);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}
