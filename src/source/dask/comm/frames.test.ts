import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import captured from '../captured.fixture.json' with { type: 'json' };
import { deserialize } from './deserialize.ts';
import { FrameParser, packFrames } from './frames.ts';
import { type DaskValue, decodeMessage, encodeMessage, Pickled, PyEnum, Serialized } from './message.ts';
import { decode, encode } from './msgpack.ts';

const bytes = (name: Exclude<keyof typeof captured, 'compressed'>): Buffer => Buffer.from(captured[name], 'base64');

function parse(wire: Buffer, cuts: readonly number[] = []): Buffer[][] {
  const messages: Buffer[][] = [];
  const parser = new FrameParser((frames) => messages.push(frames));
  let from = 0;
  for (const cut of [...cuts.map((c) => c % (wire.length + 1)).sort((a, b) => a - b), wire.length]) {
    parser.push(wire.subarray(from, cut));
    from = cut;
  }
  return messages;
}

const message = (name: Parameters<typeof bytes>[0]): { [key: string]: DaskValue } =>
  decodeMessage(parse(bytes(name))[0]!) as { [key: string]: DaskValue };

describe('FrameParser', () => {
  it('gives what was packed, however the bytes are split', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 40 }), (messages, cuts) => {
        const wire = Buffer.concat(messages.map(packFrames));
        expect(parse(wire, cuts).map((m) => m.map((f) => [...f]))).toEqual(messages.map((m) => m.map((f) => [...f])));
      }),
    );
  });

  it('ignores the leading length, which means different things in different versions', () => {
    const wire = packFrames([Buffer.from('abc')]);
    wire.writeBigUInt64LE(7n, 0);
    expect(parse(wire)[0]![0]!.toString()).toBe('abc');
  });

  it('gives nothing for a truncated message, and refuses garbage with a code', () => {
    const wire = Buffer.concat([bytes('handshake'), bytes('serialized bytes')]);
    fc.assert(fc.property(fc.nat(wire.length - 1), (n) => parse(wire.subarray(0, n)).length < 2));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          for (const frames of parse(Buffer.from(garbage))) decodeMessage(frames);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' });
        }
      }),
    );
  });

  it('refuses huge numbers and lengths before it allocates for them', () => {
    const header = (...numbers: bigint[]): Buffer => {
      const b = Buffer.alloc(8 * numbers.length);
      for (const [i, n] of numbers.entries()) b.writeBigUInt64LE(n, 8 * i);
      return b;
    };
    const before = process.memoryUsage().arrayBuffers;
    for (const bad of [
      header(0n, 0n),
      header(0n, 1n << 40n),
      header(0n, 0xffff_ffff_ffff_ffffn),
      header(0n, 1n, 1n << 40n),
      header(0n, 2n, 200n << 20n, 200n << 20n),
      header(0n, 1n, 0xffff_ffff_ffff_ffffn),
    ]) {
      expect(() => parse(bad)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
    }
    parse(header(0n, 1n, 200n << 20n)); // within the limit: announced, but never sent
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 << 20);
  });
});

describe('messages as Dask sends them', () => {
  it('a handshake', () => {
    expect(message('handshake')).toEqual({ compression: null, python: [3, 11, 7], 'pickle-protocol': 5 });
  });
  it('a heartbeat: tuple keys become a Map, the rest stays plain', () => {
    const heartbeat = message('heartbeat with tuple keys');
    expect(heartbeat.op).toBe('heartbeat_worker');
    expect(heartbeat.big).toBe(140036213212864);
    const metrics = heartbeat.metrics as { [key: string]: DaskValue };
    expect(metrics.cpu).toBe(1.5);
    expect([...(metrics.digests_total_since_heartbeat as Map<DaskValue, DaskValue>)]).toEqual([
      [['execute', 'inc', 'thread-cpu', 'seconds'], 0.25],
      ['latency', 0.001],
    ]);
  });
  it('sets and enums', () => {
    expect(message('set')).toEqual({ keys: new Set(['a']) });
    expect(message('enum').status).toEqual(new PyEnum('Status', 'running'));
  });
  it('objects out of band: read where no pickle is needed, opaque elsewhere', async () => {
    const read = (name: Parameters<typeof bytes>[0]) => deserialize(message(name).result as Serialized);
    expect(await read('serialized msgpack')).toEqual({ a: [1, 2.5, null], b: 'text' });
    expect(Buffer.from((await read('serialized bytes')) as Uint8Array).toString()).toBe('hello bytes');
    await expect(read('serialized error')).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
    expect(await read('serialized pickle')).toBeInstanceOf(Serialized);
  });
  it('survives any change of one byte, with a code at worst', () => {
    const names = Object.keys(captured).filter((name) => name !== 'compressed') as Parameters<typeof bytes>[0][];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.nat(255), (name, at, value) => {
        const wire = bytes(name);
        wire[16 + (at % (wire.length - 16))] = value;
        try {
          for (const frames of parse(wire)) decodeMessage(frames);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('MessagePack', () => {
  it('gives back what was encoded', () => {
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.double({ noNaN: true }).filter((x) => !Object.is(x, -0)),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((k) => !k.startsWith('__')),
          tie('value'),
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(value, (v) => {
        expect(decode(encode(v))).toEqual(v);
      }),
    );
  });
  it('never reaches a prototype', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const text = Buffer.from(key);
      const one = Buffer.concat([Buffer.from([0x81, 0xa0 | text.length]), text, Buffer.from([0x81, 0xa1, 0x78, 0x01])]);
      const two = Buffer.concat([
        Buffer.from([0x82, 0x01, 0x01, 0xa0 | text.length]),
        text,
        Buffer.from([0x81, 0xa1, 0x78, 0x01]),
      ]);
      for (const wire of [one, two]) {
        const decoded = decodeMessage([wire]) as object;
        expect(Object.getPrototypeOf(decoded) === Object.prototype || decoded instanceof Map).toBe(true);
        expect(({} as { x?: number }).x).toBeUndefined();
      }
    }
  });
  it('refuses depth, lies about lengths, and bytes behind the end', () => {
    const refused = (...parts: (number[] | Buffer)[]): void => {
      expect(() => decode(Buffer.concat(parts.map((p) => Buffer.from(p))))).toThrow(
        expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
      );
    };
    refused(Buffer.alloc(100_000, 0x91));
    refused([0xdd, 0xff, 0xff, 0xff, 0xff]);
    refused([0xdf, 0x7f, 0xff, 0xff, 0xff, 0x01]);
    refused([0xc6, 0xff, 0xff, 0xff, 0xff]);
    refused([0xa5, 0x61]);
    refused([0xc1]);
    refused([0xd4, 0x01, 0x00]);
    refused([0x01, 0x02]);
    refused([]);
  });
  it('keeps integers beyond 2^53 exact', () => {
    expect(decode(Buffer.from('cfffffffffffffffff', 'hex'))).toBe(0xffff_ffff_ffff_ffffn);
    expect(decode(Buffer.from('cf0000000000000005', 'hex'))).toBe(5);
  });
});

describe('Serialized', () => {
  it('refuses frames that are not there', () => {
    for (const at of [1, 5, -1, 0.5, 'x', null]) {
      const wire = encodeMessage({ result: { __Serialized__: at } });
      expect(() => decodeMessage(parse(wire)[0]!)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
    }
    const lies = packFrames([
      encode({ r: { __Pickled__: 1 } }),
      encode({ 'pickled-obj': Buffer.from('abc'), 'num-sub-frames': 7 }),
    ]);
    expect(() => decodeMessage(parse(lies)[0]!)).toThrow();
    const honest = packFrames([
      encode({ r: { __Pickled__: 1 } }),
      encode({ 'pickled-obj': Buffer.from('abc'), 'num-sub-frames': 0 }),
    ]);
    expect(decodeMessage(parse(honest)[0]!)).toEqual({ r: new Pickled(3) });
  });
});
