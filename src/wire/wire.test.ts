import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TaskglassError } from '../base/errors.ts';
import { FIRST_GROUP } from '../model/batch.ts';
import { parseClientMessage, stringifyClientMessage } from './client-message.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { type ClientMessage, MAX_CLIENT_MESSAGE, MAX_FUNCTIONS, MAX_GROUPS, type ServerMessage } from './message.ts';

const running: ServerMessage = {
  kind: 'running',
  batch: {
    seq: 7,
    now: 1.5,
    reset: false,
    track: Uint32Array.of(1, 2, 0xffff_ffff),
    fn: Uint32Array.of(3, 4, 5),
    start: Float64Array.of(1_700_000_000_123_456, Number.NaN, -0),
    keys: ['<img src=x>', "('x', 1)", '🙂\u0000'],
  },
};

/** Any JSON-like tree with columns and odd numbers in it. */
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$c', '$n', '$$c', '$')), tie('node'), { maxKeys: 4 }),
    fc.float64Array(),
    fc.uint32Array(),
    fc.uint16Array(),
    fc.uint8Array(),
  ),
})).node;

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof TaskglassError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('wire', () => {
  it('carries columns, odd numbers and hostile strings unchanged', () => {
    expect(decode(encode(running))).toEqual({
      ...running,
      batch: { ...running.batch, start: Float64Array.of(1_700_000_000_123_456, Number.NaN, -0) },
    });
  });

  it('carries any tree unchanged, however its keys are named', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const message = { kind: 'x', value } as unknown as ServerMessage;
        // JSON has no -0; outside columns the sign of zero means nothing to us.
        expect(JSON.stringify(decode(encode(message)))).toEqual(JSON.stringify(message));
      }),
    );
  });

  it('views columns in place when the bytes are aligned, and copies otherwise', () => {
    const bytes = encode(running);
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    expect(decode(moved.subarray(1))).toEqual(decode(bytes));
  });

  it('refuses every truncation with a code', () => {
    const bytes = encode(running);
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.subarray(0, end);
      // The last bytes may be padding behind the last column.
      if (code(() => decode(cut)) === 'nothing was thrown') expect(decode(cut)).toEqual(decode(bytes));
      else expect(code(() => decode(cut))).toBe('WIRE_MALFORMED');
    }
  });

  it('never throws anything but coded errors for damaged bytes', () => {
    const bytes = encode(running);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        expect(['WIRE_MALFORMED', 'WIRE_VERSION', 'nothing was thrown']).toContain(code(() => decode(damaged)));
      }),
    );
  });

  it('carries the tracks of thousands of threads with each name of a worker once', () => {
    const tracks = Array.from({ length: 8_000 }, (_, track) => {
      const worker = Math.floor(track / 8) + 1;
      const address = `tcp://10.0.0.${worker % 250}:${30_000 + worker}`;
      return {
        track,
        worker,
        address,
        name: `worker-${worker}`,
        host: '10.0.0.1',
        slot: track % 8,
        alive: track % 3 > 0,
      };
    });
    // One that came back under its name.
    tracks.push({ ...tracks[0]!, track: 8_000, address: 'tcp://10.0.0.1:1' });
    const message: ServerMessage = { kind: 'state', batch: { seq: 1, now: 2, reset: true, tracks } };
    const bytes = encode(message);
    expect(decode(bytes)).toEqual(message);
    expect(bytes.length).toBeLessThan(8_000 * 22);
  });

  it('refuses tracks that are not whole', () => {
    const bytes = encode({ kind: 'state', batch: { seq: 1, now: 2, reset: true, tracks: [] } });
    const text = new TextDecoder('latin1').decode(bytes);
    for (const [from, to] of [
      ['"track":', '"trick":'],
      ['"workers":[]', '"workers":{}'],
    ] as const) {
      const broken = Uint8Array.from(text.replace(from, to), (letter) => letter.charCodeAt(0));
      expect(code(() => decode(broken))).toBe('WIRE_MALFORMED');
    }
  });

  it('refuses another version by name', () => {
    const bytes = encode(running);
    bytes[2] = 99;
    expect(() => decode(bytes)).toThrow(/got version 99/);
  });
});

describe('client messages', () => {
  it.each<ClientMessage>([
    { kind: 'hello', version: 1 },
    { kind: 'subscribe', topics: ['running', 'workers'] },
    { kind: 'window', id: 3, query: { since: -5, until: null, level: 10, functions: null, maxSlices: 100 } },
    { kind: 'window', id: 3, query: { since: 0, until: 9, level: 31, functions: [0, 4], maxSlices: 0 } },
    {
      kind: 'window',
      id: 4,
      query: {
        since: 0,
        until: 9,
        level: 31,
        functions: null,
        tracks: [],
        groups: [{ row: FIRST_GROUP, ranges: [0, 2, 5, 9] }],
        maxSlices: 0,
      },
    },
    {
      kind: 'window',
      id: 5,
      query: {
        since: 0,
        until: 9,
        level: 31,
        functions: null,
        filter: { status: 'erred', minDuration: 0.5, maxDuration: 9, text: 'x-"1', regex: true },
        maxSlices: 0,
      },
    },
    { kind: 'close-window', id: 3 },
    { kind: 'ping', id: 0 },
  ])('%j survives', (message) => {
    expect(parseClientMessage(stringifyClientMessage(message))).toEqual(message);
  });

  it('has room for a filter that most of ten thousand functions pass', () => {
    const functions = Array.from({ length: MAX_FUNCTIONS }, (_, fn) => 50_000 + fn);
    const query = { since: 1.7e15, until: null, level: 10, functions, maxSlices: 6_000 };
    const message: ClientMessage = { kind: 'window', id: 1, query };
    expect(parseClientMessage(stringifyClientMessage(message))).toEqual(message);
  });

  it.each([
    ['numbers of tracks', [{ row: 5, ranges: [] }], 'row must be'],
    ['half a range', [{ row: FIRST_GROUP, ranges: [3] }], 'ascend in pairs'],
    ['ranges that overlap', [{ row: FIRST_GROUP, ranges: [3, 9, 8, 10] }], 'ascend in pairs'],
    ['too wide a range', [{ row: FIRST_GROUP, ranges: [0, FIRST_GROUP] }], 'more than 65536 tracks'],
    ['too many groups', Array.from({ length: MAX_GROUPS + 1 }, () => ({ row: FIRST_GROUP, ranges: [] })), 'entries'],
    ['a number', 7, 'not a list'],
  ])('refuses %s as groups', (_what, groups, why) => {
    const query = { since: 0, until: 9, level: 9, functions: null, maxSlices: 0, groups };
    expect(() => parseClientMessage(JSON.stringify({ kind: 'window', id: 1, query }))).toThrow(why);
  });

  it.each([
    ['no object', 'erred', 'filter is not an object'],
    ['another status', { status: 'processing' }, 'filter.status'],
    ['a duration that is none', { minDuration: -1 }, 'filter.minDuration'],
    ['a duration as text', { maxDuration: '5' }, 'filter.maxDuration'],
    ['too long a text', { text: 'x'.repeat(1_001) }, 'filter.text'],
    ['a text that is none', { text: {} }, 'filter.text'],
    ['a pattern that says something else', { text: 'x', regex: '1' }, 'filter.regex'],
    ['a pattern without a text', { regex: true }, 'filter.regex'],
  ])('refuses %s as a filter', (_what, filter, why) => {
    const query = { since: 0, until: 9, level: 9, functions: null, maxSlices: 0, filter };
    expect(() => parseClientMessage(JSON.stringify({ kind: 'window', id: 1, query }))).toThrow(why);
  });

  it.each([
    ['', 'not JSON'],
    ['[]', 'message is not an object'],
    ['{"kind":"nope"}', 'kind "nope"'],
    ['{"kind":"hello","version":-1}', 'version'],
    ['{"kind":"subscribe","topics":"running"}', 'topics is not a list'],
    ['{"kind":"subscribe","topics":["x"]}', 'topic "x"'],
    ['{"kind":"window","id":1}', 'query is not an object'],
    ['{"kind":"window","id":1,"query":{"since":1.5,"until":null,"level":9,"functions":null,"maxSlices":0}}', 'since'],
    ['{"kind":"window","id":1,"query":{"since":5,"until":1,"level":9,"functions":null,"maxSlices":0}}', 'lies before'],
    [
      '{"kind":"window","id":1,"query":{"since":5,"until":9,"level":60,"functions":null,"maxSlices":0}}',
      'level must be',
    ],
    [`"${'x'.repeat(MAX_CLIENT_MESSAGE)}"`, 'longer than'],
  ])('refuses %s', (text, why) => {
    expect(() => parseClientMessage(text)).toThrow(why);
  });
});
