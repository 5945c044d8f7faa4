import { expect, test } from 'vitest';
import type { FinishedTask } from '../../../model/finished-task.ts';
import { STATE_COUNT, STATE_INDEX } from '../../../model/task-state.ts';
import { RecordingSink } from '../../recording-sink.ts';
import { PolledCounts } from './polled-counts.ts';

const task = (key: string, nbytes = 10): FinishedTask => ({
  key,
  prefix: 'inc',
  group: 'inc',
  worker: 'w',
  thread: 1,
  type: 'int',
  status: 'memory',
  nbytes,
  startstops: [],
});
const states = (memory: number, more: object = {}) => ({ inc: { memory, released: 0, erred: 0, ...more } });

function read(counts: PolledCounts, reply: object) {
  const change = counts.read(reply as never, new RecordingSink());
  if (change === undefined) return undefined;
  expect(change.states.length).toBe(change.fn.length * STATE_COUNT);
  return { memory: change.states[STATE_INDEX.memory], forgotten: change.forgotten[0], nbytes: change.nbytes[0] };
}

test('what completed and is in no state is forgotten; a task that runs twice counts once', () => {
  const counts = new PolledCounts();
  expect(read(counts, states(5))).toEqual({ memory: 5, forgotten: 0, nbytes: 0 });
  counts.sizes({ inc: 50, unknown: 7 });
  expect(read(counts, states(5))).toEqual({ memory: 5, forgotten: 0, nbytes: 50 });
  expect(read(counts, states(5))).toBeUndefined();
  counts.completed([task('a'), task('b')]);
  // The counts are newer: c has finished too, and its record comes with the next reply.
  expect(read(counts, states(8))).toEqual({ memory: 8, forgotten: 0, nbytes: 80 });
  counts.completed([task('c'), task('a')]);
  expect(read(counts, states(8))).toBeUndefined();
  expect(read(counts, states(2))).toEqual({ memory: 2, forgotten: 6, nbytes: 20 });
  expect(read(counts, {})).toEqual({ memory: 0, forgotten: 8, nbytes: 0 });
});

test('what is no count is none', () => {
  const counts = new PolledCounts();
  expect(counts.read(null, new RecordingSink())).toBeUndefined();
  expect(read(counts, { inc: { memory: 'many', erred: -3 } })).toBeUndefined();
  counts.sizes('none');
});
