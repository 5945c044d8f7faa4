import { describe, expect, it } from 'vitest';
import type { RunView } from '../../model/batch.ts';
import { playheadOf, runBeside, withPlayhead } from './playhead.ts';

const runs: RunView[] = [100, 200, 300].map((start) => ({
  start,
  stop: start + 50,
  records: 1,
  erred: 0,
  cluster: '',
}));

describe('the playhead in an address', () => {
  it('is read back as it was written, beside what others keep there', () => {
    const search = withPlayhead('?since=1&theme=dark', { time: 1_790_000_012.3456, speed: 30 });
    expect(search).toBe('?since=1&theme=dark&at=1790000012.346&speed=30');
    expect(playheadOf(search)).toEqual({ time: 1_790_000_012.346, speed: 30 });
    expect(withPlayhead(search, { time: 5, speed: 0 })).toBe('?since=1&theme=dark&at=5');
    expect(withPlayhead('?at=5&speed=2', null)).toBe('');
  });

  it.each(['', '?at=', '?at=x', '?at=-1', '?at=1e30', '?at=NaN'])('is none in "%s"', (search) => {
    expect(playheadOf(search)).toBeNull();
  });

  it.each(['&speed=0.5', '&speed=-1', '&speed=1001', '&speed=x', ''])('stands still with "%s"', (speed) => {
    expect(playheadOf(`?at=5${speed}`)).toEqual({ time: 5, speed: 0 });
  });
});

describe('the run beside a time', () => {
  it('is the next one, or the beginning of this one, or the one before', () => {
    expect(runBeside(runs, 220, 1)).toBe(300);
    expect(runBeside(runs, 220, -1)).toBe(200);
    expect(runBeside(runs, 200, -1)).toBe(100);
    expect(runBeside(runs, 200, 1)).toBe(300);
    expect(runBeside(runs, 320, 1)).toBeNull();
    expect(runBeside(runs, 100, -1)).toBeNull();
  });
});
