import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import captured from './captured.fixture.json' with { type: 'json' };
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
