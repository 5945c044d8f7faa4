import { TaskglassError } from '../../src/base/errors.ts';
import type { WindowQuery } from '../../src/model/batch.ts';
import { windowMatch } from '../../src/server/routes/text-test.ts';
import captured from '../../src/source/dask/captured.fixture.json' with { type: 'json' };
import { decompress } from '../../src/source/dask/comm/decompress.ts';
import { deserialize } from '../../src/source/dask/comm/deserialize.ts';
import { FrameParser, packFrames } from '../../src/source/dask/comm/frames.ts';
import { decodeMessage, Serialized } from '../../src/source/dask/comm/message.ts';
import { decode as decodeMsgpack, encode as encodeMsgpack } from '../../src/source/dask/comm/msgpack.ts';
import { TickDecoder } from '../../src/source/dask/tick-decoder.ts';
import { WindowCursor } from '../../src/store/detail/window-cursor.ts';
import { attach, finishedOf, type Row } from '../../src/store/history.fixture.ts';
import { runsView, tasksPageSteps, workersView } from '../../src/store/queries/queries.ts';
import { Store } from '../../src/store/store.ts';
import { parseClientMessage } from '../../src/wire/client-message.ts';
import { decode } from '../../src/wire/decode.ts';
import { encode } from '../../src/wire/encode.ts';
import type { ClientMessage, ServerMessage } from '../../src/wire/message.ts';
import type { Target } from './fuzzer.ts';
import { mutateTree } from './mutate.ts';

// What takes bytes from outside, each as a function of bytes.

const LIMIT = 256 * 1024 * 1024;
const BEGIN = 1_790_000_000;
const { compressed, ...messages } = captured;
const wires = Object.values(messages).map((text) => Buffer.from(text, 'base64'));

/** The bytes of a connection to a scheduler, whole messages and halves. */
const frames: Target = {
  name: 'frames',
  seeds: [...wires, Buffer.concat(wires)],
  refuses: ['PROTOCOL_ERROR'],
  // What a message says in its first frame, whole otherwise.
  mutate(_input, random) {
    let wire: Buffer = Buffer.alloc(0);
    const parser = new FrameParser(([first, ...rest]) => {
      wire = packFrames([encodeMsgpack(mutateTree(decodeMsgpack(first!), random)), ...rest]);
    });
    parser.push(random.pick(wires));
    return wire;
  },
  run(input) {
    const parser = new FrameParser((parts) => void decodeMessage(parts));
    const middle = input.length >> 1;
    parser.push(Buffer.from(input.subarray(0, middle)));
    parser.push(Buffer.from(input.subarray(middle)));
  },
};

const values: readonly unknown[] = [
  { op: 'identity', reply: true, keys: ['a', 1, -1, 2 ** 40, 0.5, null, true], nested: { a: [{ b: 'ü' }] } },
  new Map<unknown, unknown>([
    [['a', 1], 2],
    ['b', Buffer.from('bytes')],
  ]),
  Array.from({ length: 70 }, (_, i) => ({ [`key-${i}`]: i })),
];
const msgpack: Target = {
  name: 'msgpack',
  seeds: values.map(encodeMsgpack),
  refuses: ['PROTOCOL_ERROR'],
  run: decodeMsgpack,
};

/** Objects that were serialised out of band, compressed ones among them: the first byte says how. */
const ALGORITHMS = Object.keys(compressed).filter((name) => name !== 'plain');
const objects: Target = {
  name: 'objects',
  seeds: [
    ...wires.filter((wire) => decodedObjects(wire).length > 0).map((wire) => Buffer.concat([Buffer.of(255), wire])),
    ...ALGORITHMS.map((name, i) =>
      Buffer.concat([Buffer.of(i), Buffer.from(compressed[name as keyof typeof compressed], 'base64')]),
    ),
  ],
  refuses: ['PROTOCOL_ERROR'],
  // These seeds are of some hundred bytes, and Zstandard makes most of them.
  limits: { bytes: 16 * 1024 * 1024 },
  async run(input) {
    const name = ALGORITHMS[input[0] ?? 255];
    if (name !== undefined) await decompress(name, input.subarray(1), LIMIT);
    else for (const object of decodedObjects(Buffer.from(input.subarray(1)))) await deserialize(object);
  },
};

function decodedObjects(wire: Buffer): Serialized[] {
  const found: Serialized[] = [];
  const parser = new FrameParser((parts) => {
    const message = decodeMessage(parts);
    const inside = typeof message === 'object' && message !== null ? Object.values(message) : [];
    for (const value of inside) if (value instanceof Serialized) found.push(value);
  });
  parser.push(wire);
  return found;
}

const columns = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/** A tick as the agent packs it: everything that there may be in one. */
const tick: Record<string, unknown> = {
  t: BEGIN + 10,
  tc: 42,
  index: 7,
  finished: 2,
  dropped: 1,
  hello: {
    byteorder: 'little',
    id: 'Scheduler-1',
    address: 'tcp://a:8786',
    version: '2026.8.0',
    started: BEGIN,
    services: { dashboard: 8787 },
    workers: ['tcp://a:1'],
    prefixes: ['inc'],
    gap: { finished: 1, index: 2, logged: 3, recovered: null },
  },
  i: {
    prefix: [true, ['inc', 'add']],
    group: [true, [['add-1', 'add']]],
    worker: [true, ['tcp://a:1', 'tcp://b:2']],
    lane: [
      true,
      [
        [0, 77],
        [1, 78],
      ],
    ],
    type: [true, ['int']],
    action: [true, ['transfer', 'compute', 'something new']],
  },
  done: {
    group: columns(Uint32Array.of(0, 0)),
    lane: columns(Uint32Array.of(0, 1)),
    type: columns(Uint32Array.of(0, 0)),
    status: columns(Uint8Array.of(1, 0)),
    nss: columns(Uint16Array.of(1, 2)),
    nbytes: columns(Float64Array.of(0, 28)),
    action: columns(Uint8Array.of(1, 0, 1)),
    start: columns(Float64Array.of(BEGIN + 1, BEGIN + 2, BEGIN + 3)),
    stop: columns(Float64Array.of(BEGIN + 1.5, BEGIN + 2.5, BEGIN + 3.5)),
    origin: columns(Uint32Array.of(0)),
    key: ['add-1', "('add', 2)"],
    err: [[0, 'ValueError()', 'Traceback']],
    first: 0,
    ready: columns(Float64Array.of(BEGIN, BEGIN + 1)),
    needs: columns(Uint32Array.of(0, 1)),
    dependencies: columns(Uint16Array.of(0, 1)),
    back: columns(Uint32Array.of(1)),
  },
  run: {
    key: ['inc-9'],
    group: columns(Uint32Array.of(0)),
    worker: columns(Uint32Array.of(1)),
    start: columns(Float64Array.of(BEGIN + 9)),
    ended: ['inc-8'],
  },
  p: {
    id: columns(Uint32Array.of(1)),
    states: columns(Uint32Array.of(1, 0, 0, 2, 3, 4, 5)),
    forgotten: columns(Float64Array.of(6)),
    nbytes: columns(Float64Array.of(28)),
  },
  wi: [[0, 'tcp://a:1', 'a', 'host', 2, 1e9, '2026.8.0', { nanny: 1 }, 'tcp://a:9', 17, '/tmp']],
  gone: [1],
  w: { id: columns(Uint32Array.of(0)), n: columns(Uint32Array.of(1, 2, 3)), d: columns(Float64Array.of(0.5, 28)) },
  ws: [[0, 'paused']],
  mt: { id: columns(Uint32Array.of(0)), rows: columns(new Float64Array(14)) },
  s: [1, 2, 3, 0.5, 12, 1e9],
  cost: [0.001, 2e-6, 0.01],
  log: [[BEGIN, 'worker', 'text']],
};

/** What the agent in a scheduler sends, through to the store and out again as the API gives it. */
const agent: Target = {
  name: 'agent',
  seeds: [encodeMsgpack(tick)],
  refuses: ['PROTOCOL_ERROR'],
  mutate: (_input, random) => encodeMsgpack(mutateTree(tick, random)),
  run(input) {
    const store = new Store({ monotonic: () => 0 });
    attach(store, 'Scheduler-1', BEGIN);
    const decoder = new TickDecoder(store);
    // Twice: the second time the tables are there.
    for (let i = 0; i < 2; i++) for (const event of decoder.decode(input).events) store.accept(event);
    JSON.stringify([workersView(store), runsView(store)]);
    for (const _step of tasksPageSteps(store, { limit: 10 })) void _step;
    ask(store, { since: BEGIN * 1e6, until: (BEGIN + 20) * 1e6, level: 14, functions: null, maxSlices: 1_000 });
  },
};

const message: ServerMessage = {
  kind: 'running',
  batch: {
    seq: 7,
    now: 1.5,
    reset: false,
    track: Uint32Array.of(1, 2),
    fn: Uint32Array.of(3, 4),
    start: Float64Array.of(1.7e15, Number.NaN),
    keys: ['<img src=x>', "('x', 1)"],
  },
};
/** What a page takes from a server. */
const page: Target = {
  name: 'page',
  seeds: [
    encode(message),
    encode({
      kind: 'state',
      batch: {
        seq: 1,
        now: 2,
        reset: true,
        tracks: [{ track: 0, worker: 1, address: 'tcp://a:1', name: 'a', host: 'a', slot: 0, alive: true }],
      },
    }),
    encode({ kind: 'error', code: 'INTERNAL', detail: '$c' }),
    encode({ kind: 'hello', version: 1, server: 'x' }),
  ],
  refuses: ['WIRE_MALFORMED', 'WIRE_VERSION'],
  mutate(_input, random) {
    const wire = Buffer.from(encode(message));
    const end = 8 + wire.readUInt32LE(4);
    const head = Buffer.from(JSON.stringify(mutateTree(JSON.parse(wire.subarray(8, end).toString()), random)) ?? '');
    const begin = Buffer.from(wire.subarray(0, 8));
    begin.writeUInt32LE(head.length, 4);
    return Buffer.concat([begin, head, wire.subarray(end)]);
  },
  // In a buffer of its own: what lies beyond the end is then not there.
  run: (input) => decode(new Uint8Array(input)),
};

const query = {
  since: BEGIN * 1e6,
  until: (BEGIN + 100) * 1e6,
  level: 16,
  functions: [0, 1],
  tracks: [0],
  maxSlices: 100,
};
const asked: readonly ClientMessage[] = [
  { kind: 'hello', version: 1 },
  { kind: 'subscribe', topics: ['running', 'workers'] },
  { kind: 'window', id: 1, query },
  {
    kind: 'window',
    id: 2,
    query: { ...query, until: null, functions: null, groups: [{ row: 0x8000_0000, ranges: [0, 3] }] },
  },
  { kind: 'ping', id: 3 },
];
const history = new Store({ monotonic: () => 0 });
attach(history, 'Scheduler-1', BEGIN);
const row = (n: number): Row => ({
  key: `inc-${n}`,
  fn: 'inc',
  worker: 'tcp://a:1',
  thread: n % 3,
  compute: [BEGIN + n / 9, BEGIN + n / 9 + 0.4],
});
history.accept({
  kind: 'tick',
  time: BEGIN + 60,
  finished: finishedOf(
    history,
    Array.from({ length: 500 }, (_, n) => row(n)),
  ),
});

/** What a server takes from a page, through to the answer of the window that it asks for. */
const pages: Target = {
  name: 'pages',
  seeds: asked.map((one) => Buffer.from(JSON.stringify(one))),
  refuses: ['WIRE_MALFORMED'],
  mutate: (_input, random) => Buffer.from(JSON.stringify(mutateTree(random.pick(asked), random)) ?? ''),
  run(input) {
    const parsed = parseClientMessage(Buffer.from(input).toString());
    if (parsed.kind === 'window') ask(history, parsed.query);
  },
};

function matchingOf({ filter }: WindowQuery) {
  try {
    return filter && windowMatch(filter);
  } catch (error) {
    if (error instanceof TaskglassError && error.code === 'QUERY_INVALID') return { text: () => false };
    throw error;
  }
}

function ask(store: Store, about: WindowQuery): void {
  const cursor = new WindowCursor(store, about, undefined, matchingOf(about));
  // Whatever is asked, the answer has an end.
  for (let step = 0; step < 200; step++) {
    cursor.step(40_000);
    if (!cursor.unfinished) return;
  }
  throw new Error('a window without an end');
}

export const TARGETS: readonly Target[] = [frames, msgpack, objects, agent, page, pages];
