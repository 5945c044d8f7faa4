import { expect, it } from 'vitest';
import { MemoryFile } from '../paging/pages.fixture.ts';
import { StateReader, StateWriter, textOf } from '../paging/state.ts';
import { Tracks } from './tracks.ts';

const info = (name: string, port: number, nthreads = 2) => ({
  address: `tcp://a:${port}`,
  name,
  host: 'a',
  nthreads,
});

function takenUp(tracks: Tracks): Tracks {
  const state = new StateWriter();
  tracks.save(state);
  const { numbers, words, texts } = state.parts;
  const whole = {
    numbers: Float64Array.from(numbers.flatMap((part) => [...part])),
    words: Uint32Array.from(words.flatMap((part) => [...part])),
    texts: texts.map((text) => textOf(text())),
  };
  const other = new Tracks();
  other.load(new StateReader(whole, { file: new MemoryFile(), slots: new Uint32Array(0) }), 9);
  return other;
}

it('threads of a worker are known by their slots after it went, and after others took its place', () => {
  const tracks = new Tracks();
  const row = (worker: number, thread: number) => tracks.ofThread(worker, `tcp://a:${worker}`, thread, 1).track;
  tracks.addWorker(1, info('w', 1), 1);
  expect([row(1, 7e14), row(1, 8e14), row(1, 7e14), row(1, Number.NaN), row(1, Number.NaN)]).toEqual([0, 1, 0, 2, 2]);
  tracks.removeWorker(1, 2);
  // Something of it comes late.
  expect(row(1, 8e14)).toBe(1);
  // It comes back: its threads have other identities, on the same rows.
  tracks.addWorker(1, info('w', 1), 3);
  expect([row(1, 9), tracks.threadOf(1, 0), tracks.threadOf(1, 1)]).toEqual([0, 9, 8e14]);
  // Described anew, it keeps them.
  tracks.addWorker(1, info('w', 1, 3), 4);
  expect(row(1, 9)).toBe(0);
  // Another one takes its name, while something of the first comes late.
  tracks.addWorker(2, info('w', 2), 5);
  expect([row(2, 20), row(2, 21), row(1, 10)]).toEqual([0, 1, 2]);
  for (const all of [tracks, takenUp(tracks)]) {
    const identities = [1, 2].map((worker) => [0, 1, 2].map((slot) => all.threadOf(worker, slot)));
    expect(identities).toEqual([
      [9, 8e14, 10],
      [20, 21, 10],
    ]);
    expect(all.list.map(({ slot, place }) => [slot, place.name, place.address, place.alive])).toEqual(
      [0, 1, 2].map((slot) => [slot, 'w', 'tcp://a:2', true]),
    );
  }
});
