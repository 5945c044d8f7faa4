import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AppendFile, Journal } from './journal.ts';

/** A disk on which a write and a sync take so long, ms. It knows what a loss of power would leave. */
class Disk {
  /** Bytes that were written, and those of them that are synced. */
  written = 0;
  synced = 0;
  syncs = 0;
  readonly #write: number;
  readonly #sync: number;

  constructor(write: number, sync: number) {
    this.#write = write;
    this.#sync = sync;
  }

  readonly create = async (): Promise<AppendFile> => ({
    append: async (bytes) => {
      await pause(this.#write);
      this.written += bytes.length;
    },
    sync: async () => {
      // What is written meanwhile need not be part of it.
      const { written } = this;
      this.syncs++;
      await pause(this.#sync);
      this.synced = Math.max(this.synced, written);
    },
    close: async () => {},
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what a loss of power costs', () => {
  it.each([
    ['ticks on a quick disk', { every: 100, write: 0, sync: 5 }],
    ['a sync that takes its time', { every: 100, write: 1, sync: 300 }],
    ['writes that never pause', { every: 10, write: 25, sync: 40 }],
    ['one append and silence', { every: 1e9, write: 1, sync: 100 }],
  ])('is at most the last second: %s', async (_name, { every, write, sync }) => {
    const disk = new Disk(write, sync);
    const failed = vi.fn();
    const journal = new Journal('a file', failed, disk.create);
    /** When how much had been appended. */
    const appended: { at: number; size: number }[] = [];
    for (let now = 0; now < 6_000; now += 10) {
      if (now % every === 0) {
        journal.append([new Uint8Array(100)]);
        appended.push({ at: now, size: journal.size });
      }
      await vi.advanceTimersByTimeAsync(10);
      const due = appended.findLast(({ at }) => at <= now - 1_000)?.size ?? 0;
      expect(disk.synced, `after ${now} ms`).toBeGreaterThanOrEqual(due);
    }
    // Not more often than it needs to be.
    expect(disk.syncs).toBeLessThanOrEqual(13);
    const finished = journal.finish();
    await vi.advanceTimersByTimeAsync(1_000);
    await finished;
    expect(disk.synced).toBe(journal.size);
    expect(failed).not.toHaveBeenCalled();
  });

  it('is said when the disk refuses to sync, once, and nothing is written after it', async () => {
    const failed = vi.fn();
    const disk = new Disk(0, 0);
    const journal = new Journal('a file', failed, async () => ({
      ...(await disk.create()),
      sync: () => Promise.reject(new Error('EIO: i/o error, fdatasync')),
    }));
    await vi.advanceTimersByTimeAsync(2_000);
    const { written } = disk;
    journal.append([new Uint8Array(100)]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(failed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message: expect.stringMatching('EIO') }));
    expect(disk.written).toBe(written);
    await journal.finish();
  });
});
