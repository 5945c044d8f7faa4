import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import captured from '../captured.fixture.json' with { type: 'json' };
import { decompress } from './decompress.ts';
import frames from './zstd.fixture.json' with { type: 'json' };

const { plain, ...compressed } = captured.compressed;
const expected = Buffer.from(plain, 'base64');
const cases = Object.entries(compressed).map(([name, text]) => ({ name, frame: Buffer.from(text, 'base64') }));
const LIMIT = 1 << 20;

describe.each(cases)('$name, as Python wrote it', ({ name, frame }) => {
  it('decompresses', async () => {
    expect(Buffer.from(await decompress(name, frame, LIMIT)).equals(expected)).toBe(true);
  });
  it('refuses more than the limit', async () => {
    await expect(decompress(name, frame, expected.length - 1)).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });
  it('never gives more than the limit or fails without a code, whatever is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(frame.length - 1), fc.nat(255), fc.nat(frame.length), async (at, value, cut) => {
        const bad = Buffer.from(frame);
        bad[at] = value;
        for (const input of [bad, frame.subarray(0, cut)]) {
          try {
            expect((await decompress(name, input, LIMIT)).length).toBeLessThanOrEqual(LIMIT);
          } catch (error) {
            expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' });
          }
        }
      }),
    );
  });
});

it.each(frames)('a Zstandard frame of $length bytes, as level $level writes it', async ({ frame, length, sha256 }) => {
  const bytes = await decompress('zstd', Buffer.from(frame, 'base64'), LIMIT);
  expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([length, sha256]);
});

it('a Zstandard frame of which anything was changed is refused, or is as long as it says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...frames), fc.nat(), fc.nat(255), async ({ frame, length }, at, value) => {
      const bad = Buffer.from(frame, 'base64');
      // Behind the head, which says the size.
      bad[13 + (at % (bad.length - 13))] = value;
      try {
        expect((await decompress('zstd', bad, LIMIT)).length).toBe(length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' });
      }
    }),
    { numRuns: 2_000 },
  );
});

it('refuses a size that the bytes cannot give, and unknown names', async () => {
  await expect(decompress('lz4', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]), 2 ** 32)).rejects.toThrow(/cannot give/);
  await expect(decompress('snappy', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]), 2 ** 32)).rejects.toThrow(/cannot give/);
  await expect(decompress('blosc', Buffer.alloc(3), LIMIT)).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  expect(await decompress(null, expected, LIMIT)).toBe(expected);
});

describe('bombs', () => {
  const refused = async (name: string, frame: readonly number[], limit = LIMIT): Promise<void> => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(decompress(name, Buffer.from(frame), limit)).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  };
  const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

  it('a Zstandard frame may announce a window of 2 GB, or any size: nothing is allocated for it', async () => {
    await refused('zstd', [...MAGIC, 0x00, 0xa8, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    await refused('zstd', [...MAGIC, 0xe0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0x01, 0, 0], 2 ** 40);
    await refused('zstd', [...MAGIC, 0xa0, 0, 0, 0, 0x40, 0x01, 0, 0], 2 ** 40);
    await refused('zstd', MAGIC);
  });
  /** A frame of blocks that says that it holds so many bytes. */
  const zstdOf = (
    size: number,
    blocks: readonly (readonly [type: number, length: number, bytes: readonly number[]])[],
  ) => {
    const head = Buffer.from([...MAGIC, 0xa0, 0, 0, 0, 0]);
    head.writeUInt32LE(size, 5);
    const parts = blocks.map(([type, length, bytes], i) => {
      const begin = (length << 3) | (type << 1) | (i === blocks.length - 1 ? 1 : 0);
      return Buffer.from([begin & 255, (begin >> 8) & 255, begin >> 16, ...bytes]);
    });
    return Buffer.concat([head, ...parts]);
  };
  const seconds = async (run: () => Promise<unknown>): Promise<number> => {
    const { user, system } = process.cpuUsage();
    await run();
    const after = process.cpuUsage();
    return (after.user + after.system - user - system) / 1e6;
  };

  it('a Zstandard block of a dozen bytes may name 98,000 copies of 65 kB each: they are not made', async () => {
    // No literals; sequences whose tables are one symbol each: no literals, the offset before, the longest match.
    const sequences = [0, 255, 255, 255, 0x54, 0, 0, 52, 1];
    const block = [2, sequences.length, sequences] as const;
    const first = [1, 65_536, [7]] as const;
    const took = await seconds(async () => {
      await refused('zstd', [...zstdOf(1 << 20, [first, ...Array.from({ length: 200 }, () => block)])]);
    });
    // All of them would be 98,000 × 65,539 × 200 bytes, which takes an hour and more.
    expect(took).toBeLessThan(5);
  });
  it('a Zstandard frame has no more blocks than what it makes asks for', async () => {
    const nothing = [0, 0, []] as const;
    await refused('zstd', [...zstdOf(1 << 20, [...Array.from({ length: 5_000 }, () => nothing)])]);
    await expect(
      decompress('zstd', zstdOf(1 << 20, [...Array.from({ length: 5_000 }, () => nothing)]), LIMIT),
    ).rejects.toThrow(/more blocks/);
  });
  it('a Zstandard frame of 2 kB that is 64 MB lets others have their turn', async () => {
    const blocks = Array.from({ length: 512 }, () => [1, 131_072, [7]] as const);
    let done = false;
    const decoding = decompress('zstd', zstdOf(64 << 20, blocks), 64 << 20).finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await setImmediate();
    expect(turns).toBeGreaterThan(16);
    expect(Buffer.alloc(64 << 20, 7).equals(await decoding)).toBe(true);
  });
  it('a real one of zeros is stopped at the limit', async () => {
    const zeros = deflateSync(Buffer.alloc(64 << 20));
    await refused('zlib', [...zeros.subarray(0, 70_000)]);
  });
  it('lengths in an LZ4 block that go beyond its size are not gone through', async () => {
    const size = [0, 16, 0, 0];
    await refused('lz4', [...size, 0x1f, 7, 1, 0, ...Array<number>(1 << 20).fill(255), 0]);
    await refused('lz4', [...size, 0xf0, ...Array<number>(1 << 20).fill(255)]);
  });
});
