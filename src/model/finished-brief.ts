import type { FinishedColumns } from './source-event.ts';
import { STATUS_ERRED } from './task-state.ts';
import { type Micros, type Seconds, toMicros } from './units.ts';

/** More than this without a task ends a run. */
export const RUN_GAP: Micros = 10_000_000;

/** Tasks of one tick that ran without a hole of more than {@link RUN_GAP} between them. */
export interface BriefSpan {
  readonly start: Micros;
  readonly stop: Micros;
  readonly tasks: number;
  readonly erred: number;
}

/** What the finished tasks of a tick change for those who only want to know what was true then. */
export interface FinishedBrief {
  readonly tasks: number;
  readonly past: boolean;
  /** When they ran, earliest first. */
  readonly spans: readonly BriefSpan[];
  /** Keys that may have been running and are not any more. */
  readonly ended: readonly string[];
}

/** `time`: the tick's. A task of which nobody knows when it ran counts as having run at that moment. */
export function briefOf(columns: FinishedColumns, time: Seconds): FinishedBrief {
  const now = toMicros(time);
  const spans: { start: Micros; stop: Micros; tasks: number; erred: number }[] = [];
  let slice = 0;
  for (let row = 0; row < columns.length; row++) {
    let start = columns.startstops[row]! > 0 ? Number.POSITIVE_INFINITY : now;
    let stop = columns.startstops[row]! > 0 ? Number.NEGATIVE_INFINITY : now;
    for (const end = slice + columns.startstops[row]!; slice < end; slice++) {
      const from = timeOf(columns.start[slice]!, now);
      start = Math.min(start, from);
      stop = Math.max(stop, from + 1, timeOf(columns.stop[slice]!, now));
    }
    const erred = columns.status[row] === STATUS_ERRED ? 1 : 0;
    // Those of one tick mostly lie together.
    const near = spans.find((span) => start <= span.stop + RUN_GAP && stop >= span.start - RUN_GAP);
    if (near === undefined) spans.push({ start, stop, tasks: 1, erred });
    else {
      near.start = Math.min(near.start, start);
      near.stop = Math.max(near.stop, stop);
      near.tasks++;
      near.erred += erred;
    }
  }
  return {
    tasks: columns.length,
    past: columns.past,
    spans: spans.sort((a, b) => a.start - b.start),
    ended: columns.past ? [] : columns.keys,
  };
}

function timeOf(seconds: Seconds, now: Micros): Micros {
  const micros = toMicros(seconds);
  return micros > 0 && Number.isSafeInteger(micros) ? micros : now;
}
