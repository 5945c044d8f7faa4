/** A mark on the ruler. */
export interface Tick {
  /** Microseconds from the stream's base. */
  readonly time: number;
  readonly label: string;
  /** A full second, minute, hour or day above a finer step. */
  readonly major: boolean;
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that people count in, in µs. */
const CLOCK_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 91, 365].map((n) => n * DAY),
];

/** The narrowest step of at least `least` µs: 1, 2 or 5 times a power of ten below a second, clock steps above. */
export function niceStep(least: number): number {
  if (least <= SECOND / 2) {
    const power = 10 ** Math.floor(Math.log10(Math.max(1e-3, least)));
    for (const factor of [1, 2, 5, 10]) if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  const step = CLOCK_STEPS.find((s) => s >= least);
  return step ?? Math.ceil(least / (365 * DAY)) * 365 * DAY;
}

export interface RulerOptions {
  readonly since: number;
  readonly until: number;
  /** Marks are at least this far apart, µs. */
  readonly least: number;
  /** The stream's base in epoch µs. */
  readonly epoch: number;
  /** Minutes that local time is ahead of UTC, at a time in ms since epoch. */
  readonly offset: (ms: number) => number;
}

/**
 * Marks at round local times. Below a millisecond a clock time would not fit: marks count on from the full second or
 * millisecond that leads the view.
 */
export function ticks({ since, until, least, epoch, offset }: RulerOptions): Tick[] {
  const step = niceStep(least);
  const local = offset(Math.floor((epoch + since) / 1000)) * MINUTE;
  // The base is a whole number of microseconds: what is left of it within a step is exact.
  const shift = (((epoch + local) % Math.max(step, SECOND)) + Math.max(step, SECOND)) % Math.max(step, SECOND);
  const found: Tick[] = [];
  const first = Math.ceil((since + shift) / step - 1e-9);
  const count = Math.min(1_000, Math.floor((until + shift) / step + 1e-9) - first + 1);
  for (let i = 0; i < count; i++) {
    const time = (first + i) * step - shift;
    found.push({ time, label: tickLabel(time, epoch, step, local), major: isMajor(time + shift, step) });
  }
  return found;
}

function isMajor(fromSecond: number, step: number): boolean {
  const above = step < SECOND ? SECOND : step < MINUTE ? MINUTE : step < HOUR ? HOUR : DAY;
  const rest = fromSecond % above;
  return Math.min(rest, above - rest) < step / 2;
}

function tickLabel(time: number, epoch: number, step: number, local: number): string {
  // The parts of the local clock; the sub-second part from the small number, which has all its digits.
  const whole = Math.floor(epoch / SECOND);
  const inBase = epoch - whole * SECOND;
  const fromWhole = inBase + time;
  let seconds = Math.floor(fromWhole / SECOND + 1e-12);
  let micros = fromWhole - seconds * SECOND;
  if (SECOND - micros < step / 1000) {
    seconds++;
    micros = 0;
  }
  const at = new Date((whole + seconds) * 1000 + local / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (step >= DAY) return at.toISOString().slice(0, 10);
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  if (step >= MINUTE) {
    return at.getUTCHours() === 0 && at.getUTCMinutes() === 0 ? at.toISOString().slice(5, 10) : clock;
  }
  if (step >= SECOND) return `${clock}:${two(at.getUTCSeconds())}`;
  if (step >= 1000) {
    const digits = Math.max(1, 6 - Math.floor(Math.log10(step) + 1e-9));
    return `${clock}:${two(at.getUTCSeconds())}.${fraction(micros, 6).slice(0, digits)}`;
  }
  const millis = Math.max(0, micros) / 1000;
  return `:${two(at.getUTCSeconds())} ${millis.toFixed(Math.max(0, 3 - Math.floor(Math.log10(step) + 1e-9)))} ms`;
}

function fraction(micros: number, digits: number): string {
  return String(Math.max(0, Math.round(micros)))
    .padStart(6, '0')
    .slice(0, digits);
}

/** Marks at round times since `origin` (of the stream's time), both ways from it. */
export function elapsedTicks({
  since,
  until,
  least,
  origin,
}: Pick<RulerOptions, 'since' | 'until' | 'least'> & { readonly origin: number }): Tick[] {
  const step = niceStep(least);
  const first = Math.ceil((since - origin) / step - 1e-9);
  const count = Math.min(1_000, Math.floor((until - origin) / step + 1e-9) - first + 1);
  const above = step < SECOND ? SECOND : step < MINUTE ? MINUTE : HOUR;
  return Array.from({ length: Math.max(0, count) }, (_, i) => {
    const elapsed = (first + i) * step;
    const rest = Math.abs(elapsed) % above;
    const major = Math.min(rest, above - rest) < step / 2;
    return { time: origin + elapsed, label: elapsedLabel(elapsed, step), major };
  });
}

/** `+1:02:03.25`: hours where there are any, as many digits as the step needs. */
export function elapsedLabel(elapsed: number, step: number): string {
  const digits = step >= SECOND ? 0 : Math.min(6, Math.ceil(6 - Math.log10(step) - 1e-9));
  const unit = 10 ** (6 - digits);
  const whole = Math.round(Math.abs(elapsed) / unit) * unit;
  const seconds = Math.floor(whole / SECOND + 1e-9);
  const part = digits === 0 ? '' : `.${fraction(whole - seconds * SECOND, 6).slice(0, digits)}`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const clock = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
  const fine = step < 1 ? ` ${(Math.abs(elapsed) % 1).toFixed(2).slice(1)} µs` : '';
  return `${elapsed < 0 ? '−' : '+'}${clock}:${two(seconds % 60)}${part}${fine}`;
}
