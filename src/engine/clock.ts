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

/**
 * What makes epoch seconds of the monotonic clock: read once, in the process of the scheduler, which hands it to the other
 * processes of its cluster for what they show to people.
 */
export function clockOffset(): Duration {
  offset ??= (performance.timeOrigin + performance.now()) / 1000 - monotonic();
  return offset;
}

/** In a process that was started by the scheduler's: its clock is that one's. */
export function setClockOffset(value: Duration): void {
  offset = value;
}

/** Epoch seconds of a reading of {@link monotonic}, on the cluster's clock. */
export function toEpoch(monotonicSeconds: Duration): Seconds {
  return monotonicSeconds + clockOffset();
}

/** Now, in epoch seconds on the cluster's clock. */
export function epochNow(): Seconds {
  return toEpoch(monotonic());
}
