import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordView } from '../../model/batch.ts';
import { EPOCH, ScriptedSource, type ScriptedTask, WORKER } from '../scripted-source.fixture.ts';
import { Serving } from '../serving.fixture.ts';
import { EXPORT_FORMATS } from './formats.ts';

const TASKS = Array.from({ length: 10_000 }, (_, i): ScriptedTask => {
  const start = EPOCH + i / 100;
  const own = {
    key: `inc-${i}`,
    fn: i % 3 === 0 ? 'add' : 'inc',
    worker: WORKER,
    start,
    stop: start + 0.5,
    thread: i % 64,
  };
  const links = i % 10 === 9 ? { back: [9, 1], ready: start - 0.25 } : i % 100 === 70 ? { back: [60] } : {};
  return {
    ...own,
    ...links,
    ...(i % 1_000 === 0 && { error: { exception: "ValueError('no')", traceback: 'line 1' } }),
  };
});

let serving: Serving;
beforeAll(async () => {
  const source = new ScriptedSource((started) => {
    started.attach();
    for (let i = 0; i < TASKS.length; i += 5_000) started.finish(TASKS.slice(i, i + 5_000));
  });
  serving = await Serving.start({}, source);
});
afterAll(() => serving[Symbol.asyncDispose]());

async function lines<T>(query: string): Promise<T[]> {
  const response = await serving.fetch(`/api/v1/export?format=ndjson${query}`);
  expect(response.status).toBe(200);
  return (await response.text())
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}

describe('an export of a running server', () => {
  test.each(EXPORT_FORMATS.filter((format) => format !== 'html'))('as %s has its type and a name', async (format) => {
    const response = await serving.fetch(`/api/v1/export?format=${format}&text=inc-77`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="taskglass-[\w.-]+-\d{8}T\d{6}\.(parquet|arrow|ndjson|csv|json)"$/,
    );
    const head = await serving.fetch(`/api/v1/export?format=${format}`, { method: 'HEAD' });
    expect(head.headers.get('content-type')).toBe(response.headers.get('content-type'));
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
  });

  test('has every task once, as the API says it', async () => {
    type Line = Pick<RecordView, 'key' | 'name' | 'status' | 'start' | 'stop' | 'startstops'>;
    const all = await lines<Line>('');
    expect(all.map(({ key }) => key)).toEqual(TASKS.map(({ key }) => key));
    const { tasks } = (await serving.json('/api/v1/tasks?limit=10000')) as { tasks: Line[] };
    for (const [i, { key, name, status, start, stop, startstops }] of tasks.entries()) {
      if (i % 97 === 0)
        expect(all[i]).toMatchObject({ key, name, status, start, stop, startstops, thread: TASKS[i]!.thread });
    }
    const csv = await (await serving.fetch('/api/v1/export?format=csv')).text();
    expect(csv.trimEnd().split('\r\n')).toHaveLength(TASKS.length + 1);
    const trace = (await serving.json('/api/v1/export?format=chrome')) as { traceEvents: { ph: string }[] };
    expect(trace.traceEvents.filter(({ ph }) => ph === 'X')).toHaveLength(TASKS.length);
    expect(trace.traceEvents.filter(({ ph }) => ph === 'f').length).toBeGreaterThan(0);
  });

  test('has what was selected and nothing else; dependencies count rows of the file', async () => {
    const within = `&since=${EPOCH + 50}&until=${EPOCH + 60}`;
    const wanted = TASKS.filter(({ start, stop }) => stop >= EPOCH + 50 && start <= EPOCH + 60);
    expect((await lines<RecordView>(within)).map(({ key }) => key)).toEqual(wanted.map(({ key }) => key));
    const failed = await lines<RecordView>('&status=erred&name=add&name=inc&worker=worker-0');
    expect(failed).toHaveLength(10);
    expect(failed[0]).toMatchObject({ exception: "ValueError('no')" });
    expect(await lines('&worker=nobody')).toEqual([]);
    const rows = await lines<{ key: string; needs: number; dependencies: number[] }>('&name=inc');
    const row = rows.findIndex(({ key }) => key === 'inc-29');
    // It needed inc-20 and inc-28, and add's tasks are not rows of this file.
    expect(rows[row]!.dependencies.map((back) => rows[row - back]!.key)).toEqual(['inc-20', 'inc-28']);
  });

  test('is cut off for nobody but the one who goes, and stops when that one does', async () => {
    // More than may be made at a time, one after another: none of those that were given up counts.
    for (let i = 0; i < 6; i++) {
      const leaving = new AbortController();
      const response = await serving.fetch('/api/v1/export?format=parquet', { signal: leaving.signal });
      expect(response.status).toBe(200);
      leaving.abort();
      await response.arrayBuffer().catch(() => {});
      for (let tries = 0; tries < 100; tries++) {
        const next = await serving.fetch('/api/v1/export?format=csv&text=inc-77');
        await next.arrayBuffer();
        if (next.status === 200) break;
        await pause(50);
      }
    }
    expect(await lines('&text=inc-777')).toHaveLength(11);
    expect(await lines('&text=%5Einc-777$&regex=1')).toHaveLength(1);
    const { tasks } = (await serving.json('/api/v1/tasks?limit=1')) as { tasks: { worker: string }[] };
    const { worker } = tasks[0]!;
    const { thread } = TASKS[0]!;
    const row = await lines<{ worker: string; thread: number }>('&tracks=0');
    expect(row.length).toBeGreaterThan(0);
    expect(row.every((task) => task.worker === worker && task.thread === thread)).toBe(true);
    expect(await lines('&tracks=9999999')).toEqual([]);
  });
});

test('tasks come as files too', async () => {
  const arrow = await (await serving.fetch('/api/v1/tasks?format=arrow&min_duration=0.1')).arrayBuffer();
  expect(Buffer.from(arrow).subarray(0, 6).toString()).toBe('ARROW1');
  const parquet = await (await serving.fetch('/api/v1/tasks?format=parquet&text=%5Einc-7&regex=1')).arrayBuffer();
  expect(Buffer.from(parquet).subarray(-4).toString()).toBe('PAR1');
});
