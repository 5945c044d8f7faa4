// @ts-nocheck: it runs what was built, which need not be there when types are checked.
// Records ticks, one in so many milliseconds or as fast as it can, and says how many of them it was told ("accepted") and, after each
// write, how many are in the hands of the operating system ("written").
import { writeSync } from 'node:fs';
import { Tables } from '../../dist/recording/export/tables.js';
import { createFile } from '../../dist/recording/files/journal.js';
import { Recorder } from '../../dist/recording/recorder.js';
import { sealInThread } from '../../dist/recording/sealing/sealing.js';

const directory = process.argv[2] ?? '';
const every = Number(process.argv[3] ?? 0);
const begin = 1_790_000_000;
const tables = new Tables();
let written = 0;

const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
  directoryOf: () => directory,
  // Some of them begin another segment.
  limits: { tasks: every === 0 ? 500 : 5 },
  seal: sealInThread,
  create: async (file) => {
    const real = await createFile(file);
    return {
      ...real,
      async append(bytes) {
        await real.append(bytes);
        written += Buffer.from(bytes).toString('latin1').split('"finished":1').length - 1;
        writeSync(1, `written ${written}\n`);
      },
    };
  },
});
recorder.accept({
  kind: 'cluster',
  time: begin,
  engine: 'dask',
  address: 'tcp://127.0.0.1:8786',
  id: 'Scheduler-1',
  version: '2026.8.0',
  started: begin,
  mode: 'feed',
  services: {},
});
for (let n = 0; ; n++) {
  recorder.accept({
    kind: 'tick',
    time: begin + (n + 1) / 100,
    finished: {
      length: 1,
      keys: [`inc-${n}`],
      fn: Uint32Array.of(recorder.intern('function', 'inc')),
      group: Uint32Array.of(recorder.intern('group', 'inc')),
      worker: Uint32Array.of(recorder.intern('worker', 'tcp://127.0.0.1:4001')),
      thread: Float64Array.of(1),
      type: Uint32Array.of(recorder.intern('type', 'int')),
      status: Uint8Array.of(0),
      nbytes: Float64Array.of(28),
      startstops: Uint16Array.of(1),
      action: Uint8Array.of(0),
      start: Float64Array.of(begin + n / 100),
      stop: Float64Array.of(begin + n / 100 + 0.005),
      origin: Uint32Array.of(0),
      ready: Float64Array.of(Number.NaN),
      needs: Uint32Array.of(0),
      dependencies: Uint16Array.of(0),
      back: new Uint32Array(0),
      errors: new Map(),
      past: false,
    },
  });
  writeSync(1, `accepted ${n + 1}\n`);
  await new Promise((resolve) => setTimeout(resolve, every === 0 ? Number(n % 7 === 0) : every));
}
