import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { history } from '../../../bench/support/history-generator.ts';
import { decodeBase85 } from '../../base/base85.ts';
import type { WindowQuery } from '../../model/batch.ts';
import type { TaskSelection } from '../../model/task-selection.ts';
import { WindowCursor } from '../../store/queries/cursors.ts';
import { recordView, tasksPage } from '../../store/queries/queries.ts';
import { Store } from '../../store/store.ts';
import { ReportStore } from '../../view/report/history.ts';
import { windowAnswer } from '../../view/report/window-answer.ts';
import { decode } from '../../wire/decode.ts';
import { REPORT_MARK, type ReportHead, splitMessages } from '../../wire/report.ts';
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
async function read(selection: TaskSelection = {}, mostBytes?: number) {
  const options = { selection, template: `<a>${REPORT_MARK}</a>`, server: 'test', made: START };
  const result = await makeReport(store, { ...options, ...(mostBytes !== undefined && { mostBytes }) });
  let html = '';
  for await (const part of result.text) html += part;
  const parts = [...html.matchAll(/<script type="text\/plain" data-part="(\w+)">([^<]*)<\/script>/g)].map(
    ([, kind = '', text = '']) => ({ kind, bytes: new Uint8Array(inflateRawSync(decodeBase85(text))) }),
  );
  const of = (kind: string) => parts.filter((part) => part.kind === kind).map(({ bytes }) => bytes);
  const head = JSON.parse(Buffer.from(of('head')[0]!).toString()) as ReportHead;
  const state = splitMessages(of('messages')[0]!)
    .map(decode)
    .find((message) => message.kind === 'state')!;
  const report = new ReportStore(head, state.batch);
  if (head.leftOut !== null) report.slices.leaveOut(head.leftOut, of('summary')[0]!);
  for (const bytes of of('records')) for (const _ of report.fill(bytes));
  return { html, head, report, result };
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
    for (let record = 0; record < TASKS; record += 7)
      expect(recordView(report, record)).toEqual(recordView(store, record));
    for (const level of [10, 16, 20]) expect(sharesOf(report, window(level))).toEqual(sharesOf(store, window(level)));
    const narrow = window(4, { since: (START + 20) * 1e6, until: (START + 22) * 1e6, maxSlices: 20_000 });
    const batch = windowAnswer(report, narrow);
    expect(batch.mode).toBe('slices');
    expect(batch).toEqual({ ...new WindowCursor(store, narrow).next()!, seq: batch.seq });
  });
});

describe('a report that may not be large', () => {
  test('has the newest tasks in detail and exact sums of the others', async () => {
    const { html, head, report, result } = await read({}, 800_000);
    const { leftOut } = head;
    expect(html.length).toBeLessThan(800_000);
    expect(result.tasks).toBeGreaterThan(10_000);
    expect(leftOut!.records).toBe(TASKS - result.tasks);
    // The newest ones, under numbers of their own.
    for (let record = 0; record < result.tasks; record += 11) {
      const { record: _, ...view } = recordView(report, record)!;
      const { record: __, ...own } = recordView(store, record + leftOut!.records)!;
      expect(view).toEqual(own);
    }
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
