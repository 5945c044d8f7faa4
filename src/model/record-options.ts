import type { Bytes, Duration } from './units.ts';

/** What is kept of recordings: what is older, larger or more than this is deleted, oldest first. */
export interface RetentionLimits {
  readonly maxAge: Duration;
  /** Of all recordings together. */
  readonly maxSize: Bytes;
  readonly maxCount: number;
}

/** Where a server records what it watches. Plain data: it is passed on to the process that serves. */
export interface RecordOptions extends Partial<RetentionLimits> {
  /** The folder of all recordings. Default: the place that the platform has for data. */
  readonly folder?: string;
}
