import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Tables } from '../../recording/export/tables.ts';
import { RecordingIndex } from '../../recording/overview.ts';
import { Recorder } from '../../recording/recorder.ts';
import { Scratch } from '../../recording/scratch.fixture.ts';
import { attach, finishedOf, type Row } from '../../store/history.fixture.ts';
import { PageMemory } from '../../store/paging/page-memory.ts';
import { EPOCH, ScriptedSource, tasksOf } from '../scripted-source.fixture.ts';
import { rawRequest, Serving } from '../serving.fixture.ts';
import { OpenedRecordings } from './opened-recordings.ts';
import { RECORDINGS } from './schema.ts';

type List = z.infer<typeof RECORDINGS>;

/** A recording `id` of `tasks` tasks of one function. */
async function record(folder: string, id: string, fn: string, tasks: number, begin = EPOCH): Promise<void> {
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => `${folder}/${id}`,
  });
  attach(recorder, id, begin);
  const rows = Array.from({ length: tasks }, (_, i): Row => {
    const start = begin + i / 10;
    return { key: `${fn}-${i}`, fn, worker: 'tcp://10.0.0.1:4001', thread: 1, compute: [start, start + 0.1] };
  });
  recorder.accept({ kind: 'tick', time: begin + tasks / 10, finished: finishedOf(recorder, rows) });
  await recorder.close();
}

/** However busy the machine is. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 20_000 });

let scratch: Scratch;
let folder: string;
beforeEach(async () => {
  const made = await Scratch.make();
  scratch = made;
  folder = scratch.join('recordings');
  await mkdir(folder);
  return () => made[Symbol.asyncDispose]();
});

describe('the list of recordings', () => {
  test('says what is in the folder, and of the one that is written now that it is live and where', async () => {
    await record(folder, 'Scheduler-7', 'inc', 30);
    await using serving = await Serving.start({ record: { folder } });
    serving.source.finish(tasksOf('add', 12));
    const list = async () => RECORDINGS.parse(await serving.json('/api/v1/recordings'));
    await eventually(async () => (await list()).recordings[0]?.tasks).toBe(12);
    const answer = await list();
    expect(answer).toMatchObject({ folder, recording: true, total: 2, next: null });
    expect(answer.recordings).toMatchObject([
      { live: true, pages: '', functions: [{ name: 'add', tasks: 12, erred: 0 }], runs_total: 1, workers: 1 },
      {
        id: 'Scheduler-7',
        pages: 'recordings/Scheduler-7/',
        live: false,
        engine: 'dask',
        address: 'tcp://127.0.0.1:8786',
        tasks: 30,
        duration: 3,
        runs: [{ start: EPOCH, tasks: 30, erred: 0 }],
      },
    ]);
    expect(answer.nbytes).toBe(answer.recordings.reduce((sum, { nbytes }) => sum + nbytes, 0));
  });

  test('finds words in functions, ids and days, and gives pages', async () => {
    await record(folder, 'Scheduler-1', 'inc', 3);
    await record(folder, 'Scheduler-2', 'add', 3, EPOCH + 86_400);
    await record(folder, 'Scheduler-3', 'add', 3, EPOCH + 2 * 86_400);
    await using serving = await Serving.start({ recordings: folder });
    const ids = async (query: string) => {
      const { recordings, next, total } = (await serving.json(`/api/v1/recordings${query}`)) as List;
      return { ids: recordings.map(({ id }) => id), next, total };
    };
    expect(await ids('')).toMatchObject({ ids: ['Scheduler-3', 'Scheduler-2', 'Scheduler-1'], total: 3 });
    expect((await ids('?q=ADD')).ids).toEqual(['Scheduler-3', 'Scheduler-2']);
    expect((await ids('?q=add%20scheduler-2')).ids).toEqual(['Scheduler-2']);
    expect((await ids(`?q=${new Date(EPOCH * 1000).toISOString().slice(0, 10)}`)).ids).toEqual(['Scheduler-1']);
    expect((await ids('?q=nothing')).ids).toEqual([]);
    const first = await ids('?limit=2');
    expect(first).toEqual({ ids: ['Scheduler-3', 'Scheduler-2'], next: 'Scheduler-2', total: 3 });
    expect(await ids(`?limit=2&after=${first.next}`)).toEqual({ ids: ['Scheduler-1'], next: null, total: 3 });
    expect((await serving.fetch('/api/v1/recordings?after=gone')).status).toBe(400);
    expect((await serving.fetch('/api/v1/recordings?limit=0')).status).toBe(400);
    expect((await serving.fetch('/api/v1/recordings?surprise=1')).status).toBe(400);
  });

  test('is empty where nothing is recorded, and nothing can be changed there', async () => {
    await using serving = await Serving.start();
    expect(await serving.json('/api/v1/recordings')).toMatchObject({ folder: null, recording: false, recordings: [] });
    const answer = await serving.fetch('/api/v1/recordings/a', { method: 'DELETE' });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'RECORDINGS_OFF']);
    expect((await serving.fetch('/recordings/a/status')).status).toBe(404);
  });

  test('every answer is as the OpenAPI document describes it', async () => {
    await record(folder, 'Scheduler-1', 'inc', 3);
    await using serving = await Serving.start({ recordings: folder });
    const { paths } = (await serving.json('/api/v1/openapi.json')) as {
      paths: Record<
        string,
        Record<
          string,
          { responses: Record<string, { content: Record<string, { schema: z.core.JSONSchema.JSONSchema }> }> }
        >
      >;
    };
    const asked = [];
    for (const [path, operations] of Object.entries(paths)) {
      if (!/^\/(recordings|clusters)/.test(path)) continue;
      for (const [method, { responses }] of Object.entries(operations)) {
        asked.push(`${method} ${path}`);
        const answer = await serving.fetch(`/api/v1${path.replace('{recording}', 'Scheduler-1')}`, {
          method: method.toUpperCase(),
        });
        expect(answer.status, path).toBe(200);
        const schema = z.fromJSONSchema(responses['200']!.content['application/json']!.schema);
        expect(schema.safeParse(await answer.json()).error?.message, path).toBeUndefined();
      }
    }
    expect(asked.sort()).toEqual([
      'delete /recordings/{recording}',
      'get /clusters',
      'get /recordings',
      'post /recordings/{recording}/pin',
      'post /recordings/{recording}/unpin',
    ]);
  });
});

describe('what is done with a recording', () => {
  test('pinned, unpinned, deleted; the one that is being written is not', async () => {
    await record(folder, 'Scheduler-7', 'inc', 3);
    await using serving = await Serving.start({ record: { folder } });
    await eventually(async () => ((await serving.json('/api/v1/recordings')) as List).total).toBe(2);
    const change = async (path: string, method: string) => {
      const answer = await serving.fetch(`/api/v1/recordings/${path}`, { method });
      const { code = '' } = (await answer.json()) as { code?: string };
      return `${answer.status} ${code}`.trim();
    };
    expect(await change('Scheduler-7/pin', 'POST')).toBe('200');
    expect(await readdir(`${folder}/Scheduler-7`)).toContain('pinned');
    expect(await change('Scheduler-7/unpin', 'POST')).toBe('200');
    expect(await readdir(`${folder}/Scheduler-7`)).not.toContain('pinned');
    const live = ((await serving.json('/api/v1/recordings')) as List).recordings.find((one) => one.live)!;
    expect(await change(live.id, 'DELETE')).toBe('409 RECORDING_IN_USE');
    for (const id of ['nobody', '..', '%2e%2e', '..%2f..%2fetc', '%2fetc', '.hidden', 'a%00b', 'x'.repeat(300)]) {
      expect(await change(`${id}/pin`, 'POST'), id).toMatch(/^404 NOT_FOUND$/);
      expect(await change(id, 'DELETE'), id).toMatch(/^(404 NOT_FOUND|405 METHOD_NOT_ALLOWED)$/);
    }
    expect(await change('Scheduler-7', 'PUT')).toBe('405 METHOD_NOT_ALLOWED');
    expect(await change('Scheduler-7', 'DELETE')).toBe('200');
    expect(await change('Scheduler-7', 'DELETE')).toBe('404 NOT_FOUND');
    expect(await readdir(folder)).toEqual([live.id]);
  });

  test('not from another site, and not without the token', async () => {
    await record(folder, 'Scheduler-1', 'inc', 3);
    await using serving = await Serving.start({ recordings: folder, token: 'secret' });
    const path = '/api/v1/recordings/Scheduler-1';
    const status = async (headers: Record<string, string>) =>
      (await rawRequest(serving.port, path, { method: 'DELETE', headers })).status;
    const host = `127.0.0.1:${serving.port}`;
    expect(await status({ host })).toBe(401);
    expect(await status({ host, authorization: 'Bearer secret', origin: 'http://evil.example' })).toBe(403);
    expect((await rawRequest(serving.port, '/recordings/Scheduler-1/api/v1/tasks', { headers: { host } })).status).toBe(
      401,
    );
    expect(await readdir(folder)).toEqual(['Scheduler-1']);
    expect(await status({ host, authorization: 'Bearer secret', origin: `http://${host}` })).toBe(200);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a recording that is opened inside a running server', () => {
  test('has the same pages, the same API and a live socket below its own path', async () => {
    await record(folder, 'Scheduler-1', 'inc', 30);
    await using serving = await Serving.start({ recordings: folder, prefix: '/me' });
    serving.source.finish(tasksOf('add', 5));
    const base = '/me/recordings/Scheduler-1';
    const page = await serving.fetch(`${base}/status`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('src="../../assets/app-1a2b.js"');
    expect(await (await serving.fetch(`${base}/workers/x/debug/`)).text()).toContain('src="../../../../../assets/');
    const total = async (path: string) => ((await serving.json(`${path}/api/v1/tasks`)) as { total: number }).total;
    await eventually(() => total(base)).toBe(30);
    expect(await total('/me')).toBe(5);
    expect(await serving.json(`${base}/api/v1/cluster`)).toMatchObject({ engine: 'recording', id: 'Scheduler-1' });
    const viewer = await serving.viewer({ path: `${base}/api/v1/live` });
    await eventually(() => viewer.of('state')[0]?.batch.totals?.records).toBe(30);
    viewer.close();
    const to = async (path: string) => (await serving.fetch(path)).headers.get('location');
    expect(await to(base)).toBe('./Scheduler-1/status');
    expect(await to(`${base}/`)).toBe('./status');
    expect(await to(`${base}/history`)).toBe('../../history');
    expect((await serving.fetch('/me/history')).status).toBe(200);
    expect((await serving.fetch('/me/recordings/nobody/status')).status).toBe(404);
    expect((await serving.fetch(`${base}/api/v1/example`, { method: 'POST' })).status).toBe(404);
  });

  test('is closed when nobody uses it, not while somebody looks, and opened again', async () => {
    for (const id of ['a', 'b']) await record(folder, id, 'inc', 3);
    const limits = { recordingIdleMs: 50 };
    const opened = new OpenedRecordings(
      new RecordingIndex(folder),
      new PageMemory(),
      pino({ level: 'silent' }),
      limits,
    );
    const a = await opened.of('a');
    const looking = vi.spyOn(a.publisher, 'viewers', 'get').mockReturnValue(1);
    await opened.of('b');
    await eventually(() => opened.ids).toEqual(['a']);
    expect(await opened.of('a')).toBe(a);
    looking.mockReturnValue(0);
    await eventually(() => opened.ids).toEqual([]);
    expect(await opened.of('a')).not.toBe(a);
    await opened.closeAll();
    expect(opened.ids).toEqual([]);
    await expect(opened.of('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('gives way to another one that somebody asks for, unless all are looked at', async () => {
    for (const id of ['a', 'b', 'c']) await record(folder, id, 'inc', 3);
    await using serving = await Serving.start({ recordings: folder, limits: { recordings: 2 } });
    const status = async (id: string) => (await serving.fetch(`/recordings/${id}/api/v1/cluster`)).status;
    for (const id of ['a', 'b', 'c', 'a', 'b']) expect(await status(id), id).toBe(200);
    const viewers = [];
    for (const id of ['a', 'b']) viewers.push(await serving.viewer({ path: `/recordings/${id}/api/v1/live` }));
    const refused = await serving.fetch('/recordings/c/api/v1/cluster');
    expect(await refused.json()).toMatchObject({ status: 503, code: 'TOO_MANY_RECORDINGS' });
    viewers[0]!.close();
    await eventually(() => status('c')).toBe(200);
    viewers[1]!.close();
  });

  test('that is deleted is gone for those who look at it', async () => {
    await record(folder, 'Scheduler-1', 'inc', 3);
    await using serving = await Serving.start({ recordings: folder });
    const viewer = await serving.viewer({ path: '/recordings/Scheduler-1/api/v1/live' });
    await serving.fetch('/api/v1/recordings/Scheduler-1', { method: 'DELETE' });
    await eventually(() => viewer.closed).not.toBeNull();
    expect((await serving.fetch('/recordings/Scheduler-1/status')).status).toBe(404);
  });

  test('that is none, or of a newer format, says so', async () => {
    await mkdir(`${folder}/new`);
    await writeFile(`${folder}/new/recording.json`, '{"format":"taskglass recording","formatVersion":99}');
    await mkdir(`${folder}/foreign`);
    await writeFile(`${folder}/foreign/recording.json`, '{}');
    await using serving = await Serving.start({ recordings: folder });
    const code = async (id: string) => ((await serving.json(`/recordings/${id}/status`)) as { code: string }).code;
    expect(await code('new')).toBe('RECORDING_VERSION');
    expect(await code('foreign')).toBe('NOT_A_RECORDING');
    expect(await code('new')).toBe('RECORDING_VERSION');
  });
});

describe('several clusters', () => {
  let serving: Serving;
  const second = new ScriptedSource();
  const silent = new ScriptedSource(() => {});
  beforeAll(async () => {
    serving = await Serving.start({
      name: 'production',
      clusters: [
        { id: 'gpu', name: 'gpu', source: second },
        { id: '3', source: silent },
      ],
    });
  });
  afterAll(() => serving[Symbol.asyncDispose]());

  test('each has its own pages and numbers; one that is away keeps nobody waiting', async () => {
    serving.source.finish(tasksOf('inc', 7));
    second.finish(tasksOf('train', 4));
    const total = async (path: string) => ((await serving.json(`${path}/api/v1/tasks`)) as { total: number }).total;
    expect(await total('')).toBe(7);
    expect(await total('/clusters/gpu')).toBe(4);
    expect((await serving.fetch('/clusters/3/api/v1/cluster')).status).toBe(503);
    expect((await serving.fetch('/clusters/3/status')).status).toBe(200);
    expect((await serving.fetch('/clusters/4/status')).status).toBe(404);
    expect(await serving.json('/clusters/gpu/health')).toEqual({ status: 'ok', link: 'connected' });
    expect(await (await serving.fetch('/clusters/gpu/metrics')).text()).toContain('taskglass_records_total 4');
    expect([serving.source.waited, second.waited, silent.waited]).toEqual([true, true, true]);
  });

  test('are listed with the state of their links', async () => {
    expect(await serving.json('/api/v1/clusters')).toMatchObject({
      history: false,
      clusters: [
        { name: 'production', pages: '', engine: 'dask', link: 'connected', workers: 1, tasks: 7 },
        { name: 'gpu', pages: 'clusters/gpu/', link: 'connected', tasks: 4 },
        { name: '', pages: 'clusters/3/', engine: null, address: null, link: 'connecting', tasks: 0 },
      ],
    });
  });

  test('of the same name are refused', async () => {
    const clusters = ['a', 'a'].map((id) => ({ id, source: new ScriptedSource() }));
    await expect(Serving.start({ clusters })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    await expect(Serving.start({ clusters: [{ id: '../a', source: new ScriptedSource() }] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
  });
});
