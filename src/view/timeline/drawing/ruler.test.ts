import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsedLabel, elapsedTicks, niceStep, ticks } from './ruler.ts';

/** 2026-03-04 12:41:04.25 UTC. */
const EPOCH = Date.UTC(2026, 2, 4, 12, 41, 4, 250) * 1000;
const utc = () => 0;

describe('ruler', () => {
  it('takes round steps', () => {
    expect([0.3, 3, 12, 700, 6e5, 1.1e6, 4e6, 20e6, 40e6, 7e9].map(niceStep)).toEqual([
      0.5, 5, 20, 1000, 1e6, 2e6, 5e6, 30e6, 60e6, 7.2e9,
    ]);
  });

  it('marks local clock times', () => {
    const seconds = ticks({ since: 0, until: 4e6, least: 0.9e6, epoch: EPOCH, offset: utc });
    expect(seconds.map((t) => t.label)).toEqual(['12:41:05', '12:41:06', '12:41:07', '12:41:08']);
    expect(seconds[0]!.time).toBe(750_000);
    const minutes = ticks({ since: 0, until: 120e6, least: 50e6, epoch: EPOCH, offset: () => 90 });
    expect(minutes.map((t) => t.label)).toEqual(['14:12', '14:13']);
  });

  it('adds the digits that a step needs', () => {
    const labels = (wide: number) =>
      ticks({ since: 0, until: wide, least: wide / 3, epoch: EPOCH, offset: utc }).map((t) => t.label);
    expect(labels(1e6)[0]).toBe('12:41:04.5');
    expect(labels(30_000)[0]).toBe('12:41:04.25');
    expect(labels(3_000).slice(0, 2)).toEqual(['12:41:04.250', '12:41:04.251']);
    expect(labels(30)[0]).toBe(':04 250.00 ms');
    expect(labels(86_400e6 * 3)[0]).toBe('2026-03-05');
  });

  it('keeps marks apart and inside, at any zoom', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e11, max: 1e11, noNaN: true }),
        fc.double({ min: 10, max: 1e14, noNaN: true }),
        (since, wide) => {
          const least = wide / 8;
          const found = ticks({ since, until: since + wide, least, epoch: EPOCH, offset: utc });
          for (const [i, t] of found.entries()) {
            expect(t.time).toBeGreaterThanOrEqual(since - wide * 1e-3);
            expect(t.time).toBeLessThanOrEqual(since + wide * 1.001);
            if (i > 0) {
              expect(t.time - found[i - 1]!.time).toBeGreaterThanOrEqual(least * 0.999);
              expect(t.label).not.toBe(found[i - 1]!.label);
            }
          }
        },
      ),
    );
  });

  it('counts from where the run began, both ways', () => {
    const marks = elapsedTicks({ since: 400_000, until: 4_300_000, least: 0.9e6, origin: 2_000_000 });
    expect(marks.map(({ time, label }) => [time, label])).toEqual([
      [1_000_000, '−0:01'],
      [2_000_000, '+0:00'],
      [3_000_000, '+0:01'],
      [4_000_000, '+0:02'],
    ]);
    const labels: [number, number][] = [
      [3_723e6, 1e6],
      [90.5e6, 500_000],
      [90.25e6, 50_000],
      [1_500, 500],
      [12, 1],
    ];
    expect(labels.map(([elapsed, step]) => elapsedLabel(elapsed, step))).toEqual([
      '+1:02:03',
      '+1:30.5',
      '+1:30.25',
      '+0:00.0015',
      '+0:00.000012',
    ]);
  });
});
