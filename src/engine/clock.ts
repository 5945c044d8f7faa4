import { performance } from 'node:perf_hooks';
import type { Duration, Seconds } from '../model/units.ts';

/**
 * Seconds on the machine's monotonic clock. Every process and thread of one machine reads the same clock, so
 * workers report their times in it and the scheduler alone turns them into epoch seconds: no two processes can
 * disagree, whenever they started and however the wall clock is set meanwhile.
 */
export function monotonic(): Duration {
  return Number(process.hrtime.bigint()) / 1e9;
}

let offset: Duration | undefined;

/** Epoch seconds of a reading of {@link monotonic}. Only the scheduler's process calls this. */
export function toEpoch(monotonicSeconds: Duration): Seconds {
  offset ??= (performance.timeOrigin + performance.now()) / 1000 - monotonic();
  return monotonicSeconds + offset;
}

/** Now, in epoch seconds on the cluster's clock. */
export function epochNow(): Seconds {
  return toEpoch(monotonic());
}
