import { describe, expect, it } from 'vitest';
import { settingsOf } from './options.ts';

describe('settingsOf', () => {
  it('has defaults that use the machine', () => {
    const settings = settingsOf({});
    expect(settings.workers).toBeGreaterThanOrEqual(2);
    expect(settings.workers).toBeLessThanOrEqual(4);
    expect(settings.threadsPerWorker).toBeGreaterThanOrEqual(2);
    expect(settings.memoryLimit).toBeGreaterThan(64e6);
  });

  it('reads sizes as people write them', () => {
    const sizes = ['512MB', '2GiB', '1.5 GB', 100e6, 0, '0'];
    expect(sizes.map((memoryLimit) => settingsOf({ memoryLimit }).memoryLimit)).toEqual([
      512e6,
      2 * 2 ** 30,
      1.5e9,
      100e6,
      0,
      0,
    ]);
  });

  it.each([
    [{ workers: 0 }, 'workers must be a whole number from 1 to 256, not 0'],
    [{ workers: 1.5 }, 'not 1.5'],
    [{ threadsPerWorker: Number.NaN }, 'threadsPerWorker'],
    [{ memoryLimit: 'much' }, 'memoryLimit'],
    [{ memoryLimit: 1000 }, 'at least 64 MB'],
    [{ memoryLimit: -1 }, 'memoryLimit'],
    [{ n_workers: 2 } as object, 'there is no option "n_workers"'],
  ])('refuses %o', (options, text) => {
    expect(() => settingsOf(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    expect(() => settingsOf(options)).toThrow(text);
  });
});
