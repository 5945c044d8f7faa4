import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import captured from '../captured.fixture.json' with { type: 'json' };
import { decompress } from './decompress.ts';

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
