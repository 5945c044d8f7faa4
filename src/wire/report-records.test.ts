import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteSink, ByteSource } from '../base/byte-stream.ts';
import { ACTION_INDEX, ACTIONS } from '../model/task-state.ts';
import { RecordsWriter, type ReportRecord, readRecords } from './report-records.ts';

const GROUPS = ['', 'inc', 'inc-5a1bca5e', "o'brien", 'a-b'];
const TYPES = ['', 'int', 'float', 'str', 'list', 'dict'];
const TABLES = { group: GROUPS, type: TYPES };
const NAMES = {
  text: (table: 'group' | 'type', index: number) => TABLES[table][index]!,
  intern: (table: 'group' | 'type', text: string) => TABLES[table].indexOf(text),
  worker: (track: number) => track % 3,
};
const time = fc.integer({ min: 1, max: 2 ** 51 });
const small = fc.integer({ min: 0, max: 5 });

const slice = fc
  .record({
    action: fc.integer({ min: 0, max: ACTIONS.length - 1 }),
    start: time,
    length: fc.nat(2 ** 40),
    from: small,
  })
  .map(({ action, start, length, from }) => ({
    action,
    start,
    stop: start + length,
    origin: action === ACTION_INDEX.transfer ? from : 0,
  }));

/** Keys as Dask makes them, and anything else. */
const key = (group: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 3 }).map((indices) => `('${group}', ${indices.join(', ')})`),
    fc.maxSafeNat().map((n) => `${group}-${n}`),
    fc.uuid().map((uuid) => `${group}-${uuid}`),
    fc.uuid().map((uuid) => `${group}-${uuid.replaceAll('-', '')}`),
    fc.constantFrom(
      `('${group}', 007)`,
      `('${group}')`,
      group,
      `${group}-01`,
      `('${group}', 1,2)`,
      `${group}-${'F'.repeat(32)}`,
    ),
  );

const record = fc
  .integer({ min: 0, max: GROUPS.length - 1 })
  .chain((group) =>
    fc.record({
      key: key(GROUPS[group]!),
      fn: small,
      group: fc.constant(group),
      worker: small,
      track: fc.nat(5_000),
      type: small,
      status: fc.integer({ min: 0, max: 2 }),
      past: fc.boolean(),
      nbytes: fc.oneof(fc.nat(), fc.constantFrom(Number.NaN, 0.5, 2 ** 60, -1)),
      slices: fc.array(slice, { maxLength: 4 }),
      own: fc.option(fc.tuple(time, fc.nat(1_000)), { nil: undefined }),
      wait: fc.option(fc.nat(1_000_000), { nil: undefined }),
      needs: small,
      back: fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 3 }),
      error: fc.option(fc.record({ exception: fc.string(), traceback: fc.string() }), { nil: undefined }),
    }),
  )
  .map(({ own, wait, ...rest }): ReportRecord => {
    const first = rest.slices.length > 0 ? Math.min(...rest.slices.map(({ start }) => start)) : 7;
    const start = own?.[0] ?? first;
    const stop = own === undefined ? Math.max(start, ...rest.slices.map((one) => one.stop)) : start + own[1];
    return { ...rest, start, stop, ready: wait === undefined ? null : start - Math.min(wait, start) };
  });

describe('records of a report', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), (records) => {
        const writer = new RecordsWriter(NAMES);
        for (const one of records) writer.add(one);
        expect([...readRecords(writer.finish(), NAMES)]).toEqual(records);
      }),
      { numRuns: 50 },
    );
  });

  test('that are cut off or damaged end in an error, never in a hang', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 10 }), fc.nat(), fc.nat(255), (records, at, byte) => {
        const writer = new RecordsWriter(NAMES);
        for (const one of records) writer.add(one);
        const { numbers, texts } = writer.finish();
        const cut = numbers.slice(0, at % numbers.length);
        expect(() => [...readRecords({ numbers: cut, texts }, NAMES)]).toThrow();
        expect(() => [...readRecords({ numbers, texts: texts.slice(0, at % texts.length) }, NAMES)]).toThrow();
        numbers[at % numbers.length] = byte;
        try {
          for (const _ of readRecords({ numbers, texts }, NAMES));
        } catch (error) {
          expect(['RangeError', 'SyntaxError', 'TypeError']).toContain((error as Error).name);
        }
      }),
    );
  });
});

test('numbers come back as they were written', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.maxSafeNat(), fc.nat(300))),
      fc.array(fc.integer({ min: -(2 ** 51), max: 2 ** 51 })),
      (wholes, signed) => {
        const sink = new ByteSink();
        for (const value of wholes) sink.whole(value);
        for (const value of signed) sink.signed(value);
        const source = new ByteSource(sink.take());
        expect(wholes.map(() => source.whole())).toEqual(wholes);
        expect(signed.map(() => source.signed() + 0)).toEqual(signed.map((value) => value + 0));
        expect(source.left).toBe(0);
      },
    ),
  );
});
