import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { history } from '../../../bench/support/history-generator.ts';
import { decodeWide } from '../../base/wide-text.ts';
import type { WindowQuery } from '../../model/batch.ts';
import type { TaskSelection } from '../../model/task-selection.ts';
import { attach, finishedOf, type Row } from '../../store/history.fixture.ts';
import { WindowCursor } from '../../store/queries/cursors.ts';
import { recordView, tasksPage } from '../../store/queries/queries.ts';
import { Store } from '../../store/store.ts';
import { presentOf, ReportStore } from '../../view/report/history.ts';
import { windowAnswer } from '../../view/report/window-answer.ts';
import { REPORT_MARK, type ReportHead } from '../../wire/report.ts';
import { makeReport } from './report.ts';

const START = 1_760_000_000;
const TASKS = 40_000;

let store: Store;
beforeAll(() => {
  store = new Store({ monotonic: () => 0 });
  for (const event of history(store, { tasks: TASKS, workers: 6, threads: 4, functions: 12, start: START })) {
    store.accept(event);
  }
  store.accept({ kind: 'link', state: 'lost', time: store.now, reason: 'over' });
});

/** A report as the page reads it. */
async function read(selection: TaskSelection = {}, mostBytes?: number, of = store) {
  const options = { selection, template: `<a>${REPORT_MARK}</a>`, server: 'test', made: START };
  const result = await makeReport(of, { ...options, ...(mostBytes !== undefined && { mostBytes }) });
  const bytes: Uint8Array[] = [];
  for await (const part of result.bytes) bytes.push(part);
  const file = Buffer.concat(bytes);
  const html = new TextDecoder('utf-16le', { fatal: true }).decode(file);
  const parts = [...html.matchAll(/<script type="text\/plain" data-part="(\w+)">([^<]*)<\/script>/g)].map(
    ([, kind = '', text = '']) => {
      const packed = decodeWide(text);
      return { kind, bytes: kind === 'records' ? packed : new Uint8Array(inflateRawSync(packed)) };
    },
  );
  const partsOf = (kind: string) => parts.filter((part) => part.kind === kind).map(({ bytes }) => bytes);
  const head = JSON.parse(Buffer.from(partsOf('head')[0]!).toString()) as ReportHead;
  const report = new ReportStore(head, presentOf(head, partsOf('messages')[0]!).state);
  if (head.leftOut !== null) report.slices.leaveOut(head.leftOut, partsOf('summary')[0]!);
  const texts = partsOf('texts');
  for (const [i, numbers] of partsOf('records').entries()) for (const _ of report.fill({ numbers, texts: texts[i]! }));
  return { file, head, report, result };
}

/** Records of the store, by their keys, of which each has one of its own. */
let byKey: Map<string, number> | null = null;
function recordOf(key: string): number {
  byKey ??= new Map(Array.from({ length: TASKS }, (_, record) => [store.records.keys.at(record), record]));
  return byKey.get(key)!;
}

/** Every n-th record is what the store has, under a number of its own, with the same dependencies as far as they are in it. */
function expectSame(report: ReportStore, step: number): void {
  const keysOf = (of: Store, record: number) =>
    of.records.dependencies.at(record).map((other) => of.records.keys.at(other));
  const inReport = new Set(
    Array.from({ length: report.records.length }, (_, record) => report.records.keys.at(record)),
  );
  for (let record = 0; record < report.records.length; record += step) {
    const { record: _, ...view } = recordView(report, record)!;
    const { record: own, ...expected } = recordView(store, recordOf(view.key))!;
    expect(view).toEqual(expected);
    expect(keysOf(report, record)).toEqual(keysOf(store, own).filter((key) => inReport.has(key)));
  }
}

function sharesOf(of: Store, query: WindowQuery) {
  const batch = of instanceof ReportStore ? windowAnswer(of, query) : new WindowCursor(of, query).next()!;
  if (batch.mode !== 'shares') throw new Error('slices were not expected');
  const { level, firstBin, track, offset, bin, category, busy } = batch;
  // Columns as text that is quickly compared.
  const columns = [track, offset, bin, category, busy].map((column) => [column.length, hashOf(column)]);
  return { level, firstBin, columns };
}

function hashOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

function window(level: number, part: Partial<WindowQuery> = {}): WindowQuery {
  const { since, until } = store.slices.extent()!;
  return { since, until: until + 1, level, functions: null, maxSlices: 0, ...part };
}

describe('a report of everything', () => {
  test('gives the records and the windows of the store that it was made of', async () => {
    const { head, report, result } = await read();
    expect(result).toMatchObject({ tasks: TASKS, leftOut: 0 });
    expect(head).toMatchObject({ records: TASKS, leftOut: null, notSelected: 0, selection: '' });
    expectSame(report, 7);
    for (const level of [10, 16, 20]) expect(sharesOf(report, window(level))).toEqual(sharesOf(store, window(level)));
    const narrow = window(4, { since: (START + 20) * 1e6, until: (START + 22) * 1e6, maxSlices: 20_000 });
    const batch = windowAnswer(report, narrow);
    const expected = new WindowCursor(store, narrow).next()!;
    if (batch.mode !== 'slices' || expected.mode !== 'slices') throw new Error('slices were expected');
    // Records have other numbers.
    const keys = (of: Store, records: Iterable<number>) => Array.from(records, (record) => of.records.keys.at(record));
    expect(keys(report, batch.record)).toEqual(keys(store, expected.record));
    expect({ ...batch, record: null }).toEqual({ ...expected, record: null, seq: batch.seq });
  });
});

describe('a report that may not be large', () => {
  test('has the newest tasks in detail and exact sums of the others', async () => {
    const { file, head, report, result } = await read({}, 600_000);
    const { leftOut } = head;
    expect(file.length).toBeLessThan(600_000);
    expect(result.tasks).toBeGreaterThan(10_000);
    expect(leftOut!.records).toBe(TASKS - result.tasks);
    expectSame(report, 11);
    // The newest ones: what is older than all of them by more than a block was left out.
    expect(recordOf(report.records.keys.at(0))).toBeGreaterThan(leftOut!.records - 16_384);
    for (const level of [leftOut!.level, leftOut!.level + 2]) {
      expect(sharesOf(report, window(level))).toEqual(sharesOf(store, window(level)));
      const functions = [2, 3];
      expect(sharesOf(report, window(level, { functions }))).toEqual(sharesOf(store, window(level, { functions })));
    }
    // Asked for more, it says what it has.
    expect(sharesOf(report, window(10)).level).toBeGreaterThanOrEqual(leftOut!.level);
    const counts = leftOut!.functions.reduce((sum, { records }) => sum + records, 0);
    expect(counts).toBe(leftOut!.records);
    for (const { fn, records, erred } of leftOut!.functions) {
      const name = store.strings.function.at(fn);
      const all = tasksPage(store, { name, limit: 1 });
      const here = tasksPage(report, { name, limit: 1 });
      expect(records).toBe(all.total - here.total);
      const failed = { name, status: 'erred', limit: 1 } as const;
      expect(erred).toBe(tasksPage(store, failed).total - tasksPage(report, failed).total);
    }
  });
});

describe('a report of a selection', () => {
  test('has what is in its range in detail and the rest as sums', async () => {
    const selection = { since: START + 10, until: START + 20 };
    const { head, report } = await read(selection);
    expect(head.range).toEqual(selection);
    expect(head.records).toBe(tasksPage(store, { ...selection, limit: 1 }).total);
    expect(head.leftOut!.records).toBe(TASKS - head.records);
    const { level } = head.leftOut!;
    expect(sharesOf(report, window(level))).toEqual(sharesOf(store, window(level)));
  });

  test('has nothing of functions that were not asked for, and says so', async () => {
    const name = store.strings.function.at(2);
    const { head, report } = await read({ name: [name] });
    expect(head.records).toBe(tasksPage(store, { name, limit: 1 }).total);
    expect(head).toMatchObject({ leftOut: null, notSelected: TASKS - head.records, selection: `function ${name}` });
    expect(sharesOf(report, window(16))).toEqual(sharesOf(store, window(16, { functions: [2] })));
  });
});

describe('a report of a history that names a great many groups', () => {
  // Each task is a collection of its own, with a hash in its name.
  const GROUPS = 10_000;
  const many = new Store({ monotonic: () => 0 });
  const hash = (n: number): string => createHash('md5').update(String(n)).digest('hex');
  beforeAll(() => {
    attach(many, 'Scheduler-1', START);
    const rows = Array.from({ length: GROUPS }, (_, i): Row => {
      const start = START + i / 100;
      return { key: `inc-${hash(i)}`, fn: 'inc', worker: 'tcp://a:1', thread: 1, compute: [start, start + 0.005] };
    });
    const finished = finishedOf(many, rows);
    const group = Uint32Array.from(rows, ({ key }) => many.intern('group', `a-group-of-its-own-${key}`));
    many.accept({ kind: 'tick', time: START + GROUPS / 100, finished: { ...finished, group } });
  });

  test('keeps to its limit, and has the names of the tasks that are in it', async () => {
    const { file, head, report } = await read({}, 250_000, many);
    expect(file.length).toBeLessThan(250_000);
    expect(head.records).toBeGreaterThan(2_000);
    expect(head.records + head.leftOut!.records).toBe(GROUPS);
    for (const { key, group } of tasksPage(report, { limit: 100 }).tasks)
      expect(group).toBe(`a-group-of-its-own-${key}`);
    expect(report.strings.group.length).toBe(head.records + 1);
  });

  test('is made, of sums alone, where there is room for nothing', async () => {
    const { head } = await read({}, 1_000, many);
    expect(head).toMatchObject({ records: 0, leftOut: { records: GROUPS } });
  });

  test('of a few of them is small', async () => {
    const { file, head } = await read({ text: hash(7), status: 'memory' }, undefined, many);
    expect(head.records).toBe(1);
    expect(file.length).toBeLessThan(20_000);
  });
});
