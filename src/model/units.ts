/**
 * Units. A number carries its unit in its type or its name; these aliases are documentation that the
 * compiler shows on hover, not brands: columns are typed arrays and would lose a brand at once.
 */

/** Seconds since the Unix epoch, in the scheduler's clock (what Dask's `start` and `stop` are). */
export type Seconds = number;
/** A length of time in seconds. */
export type Duration = number;
/**
 * Whole microseconds since the Unix epoch, in the scheduler's clock. Float64 holds them exactly until
 * the year 2255. The store keeps every time in this unit so that sums of busy time are exact.
 */
export type Micros = number;
/** A number of bytes. */
export type Bytes = number;
/** Bytes per second. */
export type BytesPerSecond = number;
/** Index into one of the store's string tables. Index 0 is always the empty string. */
export type StringIndex = number;
/** A record's id: its position in the order in which the store received it. */
export type RecordIndex = number;
/** Version of the store: +1 for every accepted event that changed something. */
export type Seq = number;

export const MICROS_PER_SECOND = 1_000_000;

/** The nearest whole microsecond. NaN and infinities give 0: a time that is not one never spreads. */
export function toMicros(seconds: Seconds): Micros {
  const micros = Math.round(seconds * MICROS_PER_SECOND);
  return Number.isFinite(micros) ? micros : 0;
}

export function toSeconds(micros: Micros): Seconds {
  return micros / MICROS_PER_SECOND;
}
