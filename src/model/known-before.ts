import type { WorkerInfo, WorkerSample } from './source-event.ts';
import type { Micros, Seconds, StringIndex } from './units.ts';

/**
 * What was known at one moment and does not follow from the events that say how things stood: what had been before. Written at the
 * head of a recording's file, so that any moment in it can be shown without the files before it.
 */
export interface KnownBefore {
  /** Records so far; of these, lost ones and those from before anybody watched. */
  readonly records: number;
  readonly lost: number;
  readonly past: number;
  /** The latest runs, oldest first. */
  readonly runs: readonly RunBefore[];
  /** Tasks that a function had forgotten before the present run. */
  readonly baseline: readonly (readonly [fn: StringIndex, forgotten: number])[];
  /** Workers that went a short while ago. */
  readonly gone: readonly GoneWorker[];
  /** Times and numbers of finished tasks during the last seconds. */
  readonly pace: readonly (readonly [time: Seconds, tasks: number])[];
}

export interface RunBefore {
  readonly start: Micros;
  readonly stop: Micros;
  readonly records: number;
  readonly erred: number;
  readonly cluster: string;
}

export interface GoneWorker {
  readonly info: WorkerInfo;
  readonly since: Seconds;
  readonly sample: WorkerSample;
}
