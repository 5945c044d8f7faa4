import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Rows } from '../../base/rows.ts';
import { jsonBody } from './json-body.ts';

it('writes what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonBody(value)).toBe(JSON.stringify(value));
    }),
  );
  expect(jsonBody({ a: undefined, b: [{ c: undefined }] })).toBe('{"b":[{}]}');
});

it('streams what is long', async () => {
  const value = { seq: 1, rows: Array.from({ length: 20_000 }, (_, i) => ({ name: `row ${i}`, busy: [i, i / 2] })) };
  const body = jsonBody(value);
  expect(typeof body).not.toBe('string');
  expect(JSON.parse(await text(body as NodeJS.ReadableStream))).toEqual(value);
});

it('makes rows as they are read', async () => {
  let made = 0;
  const row = (i: number) => {
    made++;
    return { name: `row ${i}`, busy: [i, i / 2] };
  };
  const body = jsonBody({ rows: new Rows(20_000, row), none: new Rows(0, row) });
  expect(made).toBeLessThan(10_000);
  const all = Array.from({ length: 20_000 }, (_, i) => row(i));
  made = 0;
  expect(JSON.parse(await text(body as NodeJS.ReadableStream))).toEqual({ rows: all, none: [] });
  expect(made).toBeGreaterThan(10_000);
});
