import { expect, test } from 'vitest';
import { STATE_COUNT, STATE_INDEX } from '../../model/task-state.ts';
import { KnownCluster } from './known-cluster.ts';

/** A tick at which so many tasks of one function were in this state. */
function tick(time: number, state: keyof typeof STATE_INDEX, count: number) {
  const states = new Uint32Array(STATE_COUNT);
  states[STATE_INDEX[state]] = count;
  const functions = { fn: Uint32Array.of(3), states, forgotten: new Float64Array(1), nbytes: new Float64Array(1) };
  const events = [{ kind: 'tick' as const, time, functions }];
  return {
    time,
    events,
    hello: undefined,
    finished: 0,
    dropped: 0,
    transitions: null,
    streamIndex: null,
    finishedTotal: null,
  };
}

test('a scheduler that went while it had something to do leaves a gap until the next one began, of a size that nobody knows', () => {
  const known = new KnownCluster();
  expect(known.unheard({ started: 5, time: 6 })).toBeNull();
  known.reset('first');
  for (const state of ['waiting', 'no-worker', 'queued', 'processing'] as const) {
    known.saw(tick(100, state, 7));
    const gap = { kind: 'gap', since: 100, size: null, reason: 'disconnected' };
    expect(known.unheard({ started: 110, time: 115 }), state).toEqual({ ...gap, until: 110 });
    // A clock that was stepped back, or is another machine's.
    expect(known.unheard({ started: 50, time: 60 }), state).toEqual({ ...gap, until: 100 });
  }
  for (const state of ['memory', 'released', 'erred'] as const) {
    known.saw(tick(101, state, 7));
    expect(known.unheard({ started: 110, time: 115 }), state).toBeNull();
  }
  known.saw(tick(102, 'processing', 1));
  known.reset('second');
  expect(known.unheard({ started: 110, time: 115 })).toBeNull();
});
