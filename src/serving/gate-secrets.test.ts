import { timingSafeEqual } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { Gate } from './gate.ts';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});
const compare = vi.mocked(timingSafeEqual);
afterEach(() => compare.mockClear());

const TOKEN = 'correct-horse';
const headers = { host: 'localhost' };
const request = { method: 'GET', upgrade: false, open: false, ip: '127.0.0.1' };

// A timing cannot be a test. What can: each guess, whatever is wrong with it, is compared once, whole, at one length, by the
// comparison that takes the same time for all.
test.each(['x', 'xorrect-horse', 'correct-horsx', 'correct-hors', 'correct-horse-battery', 'x'.repeat(5_000), ''])(
  'the wrong token "%.20s" takes the same way as any other',
  (token) => {
    const gate = new Gate({ host: '127.0.0.1', allowHosts: [], token: TOKEN });
    expect(() => gate.admit({ ...request, headers, token })).toThrow(
      expect.objectContaining({ code: 'TOKEN_REQUIRED' }),
    );
    expect(compare.mock.calls.map((sides) => sides.map((side) => side.byteLength))).toEqual([[32, 32]]);
    expect(compare.mock.results.map(({ value }) => value)).toEqual([false]);
  },
);

test('so does a cookie', () => {
  const gate = new Gate({ host: '127.0.0.1', allowHosts: [], token: TOKEN });
  gate.bind(1, '');
  const cookie = gate.admit({ ...request, headers, token: TOKEN }).setCookie!.split(';', 1)[0]!;
  for (const [given, right] of [
    [cookie, true],
    [cookie.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')), false],
    [cookie.replace(/\.(.)/, (_all, first) => `.${first === 'A' ? 'B' : 'A'}`), false],
  ] as const) {
    compare.mockClear();
    const knock = { ...request, headers: { ...headers, cookie: given }, token: undefined };
    if (right) gate.admit(knock);
    else expect(() => gate.admit(knock)).toThrow(expect.objectContaining({ code: 'TOKEN_REQUIRED' }));
    expect(compare.mock.calls.map((sides) => sides.map((side) => side.byteLength))).toEqual([[32, 32]]);
  }
});
