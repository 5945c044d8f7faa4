/** What a time is read against; epoch seconds. */
export interface WhenContext {
  /** The day that a bare clock time is of. */
  readonly at: number;
  /** Where elapsed time counts from; null: there is no run. */
  readonly runStart: number | null;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, min: 60, h: 3_600, d: 86_400 };
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/;
const ELAPSED = /^\+\s*(?:(\d+):)?(\d+):(\d{1,2}(?:\.\d+)?)$/;
const AMOUNTS = /^\+(?:\s*\d+(?:\.\d+)?\s*(?:ms|min|s|m|h|d)?)+$/;
const AMOUNT = /(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)?/g;
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
/** Numbers from here on are milliseconds, and from there on microseconds. */
const MILLIS_FROM = 1e11;
const MICROS_FROM = 1e14;

/**
 * Reads a time as people write it: a local clock time (`14:03`, `14:03:07.5`), an ISO date, elapsed time since the run began (`+1:30`,
 * `+90s`, `+1h 5m`) or a number since epoch in s, ms or µs. Epoch seconds; null where it is none of these.
 */
export function parseWhen(text: string, { at, runStart }: WhenContext): number | null {
  const wanted = text.trim();
  if (wanted.startsWith('+')) {
    const elapsed = elapsedOf(wanted);
    return elapsed === null || runStart === null ? null : runStart + elapsed;
  }
  const clock = CLOCK.exec(wanted);
  if (clock !== null) {
    const [hours, minutes, seconds] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
    if (hours > 24 || minutes > 59 || seconds >= 60) return null;
    const day = new Date(at * 1000);
    const whole = Math.floor(seconds);
    return day.setHours(hours, minutes, whole, 0) / 1000 + (seconds - whole);
  }
  if (/^\d+(?:\.\d+)?$/.test(wanted)) {
    const value = Number(wanted);
    return value >= MICROS_FROM ? value / 1e6 : value >= MILLIS_FROM ? value / 1e3 : value > 1e6 ? value : null;
  }
  if (!ISO.test(wanted)) return null;
  // A date alone is local midnight, as a clock time is local.
  const parsed = Date.parse(wanted.length === 10 ? `${wanted}T00:00` : wanted.replace(' ', 'T'));
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

function elapsedOf(text: string): number | null {
  const parts = ELAPSED.exec(text);
  if (parts !== null) return Number(parts[1] ?? 0) * 3_600 + Number(parts[2]) * 60 + Number(parts[3]);
  if (!AMOUNTS.test(text)) return null;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(AMOUNT)) sum += Number(amount) * (UNITS[unit ?? 's'] ?? 1);
  return sum;
}
