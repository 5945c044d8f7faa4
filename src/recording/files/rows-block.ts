import { briefOf, type FinishedBrief } from '../../model/finished-brief.ts';
import type { FinishedColumns } from '../../model/source-event.ts';
import { type Seconds, toMicros } from '../../model/units.ts';
import type { RunningKeys, RunningOrder } from '../sealing/running-order.ts';
import { RecordingError } from './event-decoder.ts';

/** How many rows of a Parquet file belong to the next event, and in brief what they say. */
export function encodeRows(finished: FinishedColumns, time: Seconds, order: RunningOrder): Buffer {
  const { tasks, past, spans, ended } = briefOf(finished, time);
  const now = toMicros(time);
  return Buffer.from(
    JSON.stringify({
      rows: tasks,
      past,
      spans: spans.map((span) => [span.start - now, span.stop - now, span.tasks, span.erred]),
      ended: order.end(ended),
    }),
  );
}

/** @throws RecordingError */
export function rowsOf(payload: Buffer): number {
  const { rows } = parse(payload);
  if (typeof rows === 'number' && Number.isInteger(rows) && rows >= 0) return rows;
  throw new RecordingError('no number of rows');
}

/**
 * Null where it says no more than a number, as it once did. `time`: of the event that it belongs to.
 *
 * @throws RecordingError
 */
export function decodeBrief(payload: Buffer, running: RunningKeys): ((time: Seconds) => FinishedBrief) | null {
  const { past, spans, ended } = parse(payload);
  const tasks = rowsOf(payload);
  if (!Array.isArray(spans) || !Array.isArray(ended)) return null;
  const keys = running.of(ended);
  return (time) => {
    const now = toMicros(time);
    return {
      tasks,
      past: past === true,
      spans: spans.map((span: unknown) => {
        const numbers = Array.isArray(span) ? span : [];
        const [start, stop, count, erred] = numbers.map((n: unknown) => (typeof n === 'number' ? n : 0));
        return { start: now + (start ?? 0), stop: now + (stop ?? 0), tasks: count ?? 0, erred: erred ?? 0 };
      }),
      ended: keys,
    };
  };
}

function parse(payload: Buffer): { readonly rows?: unknown; past?: unknown; spans?: unknown; ended?: unknown } {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new RecordingError('no number of rows');
}
