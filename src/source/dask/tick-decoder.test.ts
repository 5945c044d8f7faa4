import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordingSink } from '../recording-sink.ts';
import { encode } from './comm/msgpack.ts';
import { TickDecoder } from './tick-decoder.ts';

const bin = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/** Two finished tasks of one group; the second fetched something first. */
function tick(): Record<string, unknown> {
  return {
    t: 1000,
    tc: 42,
    index: null,
    i: {
      prefix: [true, ['inc', 'add']],
      group: [true, [['add-1', 'add']]],
      lane: [
        true,
        [
          [0, 77],
          [1, 78],
        ],
      ],
      type: [true, ['int']],
      worker: [true, ['tcp://a:1', 'tcp://b:2']],
      action: [true, ['transfer', 'compute', 'something new']],
    },
    done: {
      group: bin(Uint32Array.of(0, 0)),
      lane: bin(Uint32Array.of(0, 1)),
      type: bin(Uint32Array.of(0, 0)),
      status: bin(Uint8Array.of(1, 0)),
      nss: bin(Uint16Array.of(1, 2)),
      nbytes: bin(Float64Array.of(0, 28)),
      action: bin(Uint8Array.of(2, 0, 1)),
      start: bin(Float64Array.of(1, 2, 3)),
      stop: bin(Float64Array.of(1.5, 2.5, 3.5)),
      origin: bin(Uint32Array.of(0)),
      key: ['add-1', "('add', 2)"],
      err: [[0, 'ValueError()', 'Traceback']],
    },
    p: {
      id: bin(Uint32Array.of(1)),
      states: bin(Uint32Array.of(1, 0, 0, 2, 3, 4, 5)),
      forgotten: bin(Float64Array.of(6)),
      nbytes: bin(Float64Array.of(28)),
    },
  };
}

describe('TickDecoder', () => {
  it('gives the records, their startstops and where they came from', () => {
    const sink = new RecordingSink();
    const decoded = new TickDecoder(sink).decode(encode(tick()));
    for (const event of decoded.events) sink.accept(event);
    expect(decoded).toMatchObject({ time: 1000, finished: 2, dropped: 0, transitions: 42, streamIndex: null });
    expect(sink.tasks).toMatchObject([
      {
        key: 'add-1',
        fn: 'add',
        worker: 'tcp://a:1',
        thread: 77,
        status: 'erred',
        startstops: [{ action: 'compute', start: 1, stop: 1.5, origin: '' }],
        error: { exception: 'ValueError()', traceback: 'Traceback' },
      },
      {
        key: "('add', 2)",
        worker: 'tcp://b:2',
        thread: 78,
        status: 'memory',
        nbytes: 28,
        startstops: [
          { action: 'transfer', start: 2, stop: 2.5, origin: 'tcp://a:1' },
          { action: 'compute', start: 3, stop: 3.5, origin: '' },
        ],
      },
    ]);
    expect(sink.counts.get('add')).toMatchObject({
      waiting: 1,
      processing: 2,
      memory: 3,
      released: 4,
      erred: 5,
      forgotten: 6,
    });
    expect(sink.tables.function).toEqual(['', 'inc', 'add']);
  });

  it('counts forgotten tasks on from an earlier attachment', () => {
    const sink = new RecordingSink();
    const add = sink.intern('function', 'add');
    const decoder = new TickDecoder(sink, new Map([[add, 100]]));
    for (const event of decoder.decode(encode(tick())).events) sink.accept(event);
    expect(sink.counts.get('add')!.forgotten).toBe(106);
    expect(decoder.forgotten.get(add)).toBe(106);
  });

  it('gives no event for a tick that says nothing', () => {
    expect(new TickDecoder(new RecordingSink()).decode(encode({ t: 1, tc: 5 })).events).toEqual([]);
  });

  it('takes any damage with a code at worst, and never an index that is not there', () => {
    const whole = encode(tick());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          const sink = new RecordingSink();
          try {
            for (const event of new TickDecoder(sink).decode(bytes).events) sink.accept(event);
          } catch (error) {
            expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' });
            return;
          }
          for (const task of sink.tasks) expect([task.fn, task.group, task.worker, task.type]).not.toContain(undefined);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('refuses columns of unequal length', () => {
    const short = tick();
    (short.done as Record<string, unknown>).nbytes = bin(Float64Array.of(1));
    expect(() => new TickDecoder(new RecordingSink()).decode(encode(short))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
    );
  });

  it.each([null, Number.NaN, -1, 1e300])('refuses a tick at %s: every clock goes by it', (t) => {
    const decoder = new TickDecoder(new RecordingSink());
    expect(() => decoder.decode(encode({ ...tick(), t }))).toThrow(/no time/);
  });

  it('says that a tick of the agent failed', () => {
    const { events } = new TickDecoder(new RecordingSink()).decode(encode({ t: 1000, error: 'KeyError(1)' }));
    expect(events).toEqual([
      { kind: 'tick', time: 1000, log: [{ time: 1000, topic: 'agent', text: 'a tick failed: KeyError(1)' }] },
    ]);
  });
});
