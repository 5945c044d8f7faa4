import { expect, test } from 'vitest';
import type { DaskValue } from '../comm/message.ts';
import { PolledStream } from './polled-stream.ts';

const record = (i: number, stop = 1_000 + i): DaskValue => ({
  key: ['inc-abc', i],
  worker: 'tcp://127.0.0.1:1',
  thread: 7,
  nbytes: 28,
  typename: 'int',
  status: 'OK',
  startstops: [{ action: 'compute', start: stop - 1, stop }],
});
const range = (from: number, to: number): DaskValue[] => Array.from({ length: to - from }, (_, i) => record(from + i));
const keys = (tasks: readonly { key: string }[]): number[] => tasks.map(({ key }) => Number(/\d+(?=\))/.exec(key)![0]));

/** A record of 10 tasks that the scheduler keeps. */
class Buffer10 {
  end = 0;
  since(index: number): DaskValue[] {
    return range(Math.max(index, this.end - 10), this.end);
  }
}

test('by position: each once, and what the record no longer held is counted once the next reply is there', () => {
  const buffer = new Buffer10();
  const stream = new PolledStream(true);
  expect(stream.request()).toEqual({ count: 10_000 });
  buffer.end = 3;
  // Two more finish between the call for the position and the call for the records.
  expect(keys(stream.begin(range(0, 5), 3))).toEqual([0, 1, 2, 3, 4]);
  buffer.end = 8;
  expect(stream.request()).toEqual({ start_index: 3 });
  const second = stream.read(buffer.since(3), 8);
  expect([keys(second.tasks), second.missed]).toEqual([[5, 6, 7], 0]);
  // 8..27 finish before the position is read, 28..29 before the records are: 8..19 are gone.
  buffer.end = 30;
  const third = stream.read(buffer.since(8), 28);
  expect([keys(third.tasks), third.missed]).toEqual([[20, 21, 22, 23, 24, 25, 26, 27, 28, 29], 0]);
  expect(stream.request()).toEqual({ start_index: 28 });
  buffer.end = 32;
  const fourth = stream.read(buffer.since(28), 32);
  expect([keys(fourth.tasks), fourth.missed]).toEqual([[30, 31], 12]);
});

test('by time: what comes again is left out, and a newest record that is gone says that some are missing', () => {
  const stream = new PolledStream(false);
  expect(stream.begin([], 0)).toEqual([]);
  expect(stream.request()).toEqual({});
  expect(keys(stream.read(range(0, 5), 0).tasks)).toEqual([0, 1, 2, 3, 4]);
  expect(stream.request()).toEqual({ start: 1_001 });
  // 5 ended before 4 did and is told later.
  const late = [record(2), record(3), record(4), record(5, 1_003.5)];
  const second = stream.read(late, 0);
  expect([keys(second.tasks), second.missed]).toEqual([[5], 0]);
  const third = stream.read(range(50, 60), 0);
  expect([third.tasks.length, third.missed]).toEqual([10, null]);
});

test('what is no record is left out, and no field is believed', () => {
  const stream = new PolledStream(false);
  stream.begin([], 0);
  const odd = {
    key: 5,
    worker: 3,
    thread: 'x',
    nbytes: 'y',
    startstops: [{ action: '__proto__', start: -1, stop: 1e300 }],
  };
  const { tasks } = stream.read([null, 3, 'x', odd, { key: null, startstops: 'no' }], 0);
  expect(tasks).toMatchObject([
    {
      key: '5',
      prefix: 'Other',
      worker: '',
      thread: 0,
      nbytes: 0,
      startstops: [{ action: 'compute', start: 0, stop: 0 }],
    },
    { key: 'None', startstops: [] },
  ]);
  expect(stream.read('nothing', 0).tasks).toEqual([]);
});
