import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TaskglassError } from '../../base/errors.ts';
import { ENGINE_VERSION as VERSION } from '../../engine/version.ts';
import { type TaskFormat, type Write, writeTaskRows } from '../../recording/export/export.ts';
import type { TasksFilter } from '../../store/queries/queries.ts';
import type { Store } from '../../store/store.ts';
import type { ExportFormat } from './formats.ts';
import { makeReport } from './report.ts';
import { type Selection, storeRows } from './store-rows.ts';

/** Exports that are made at the same time, of all that is served. */
const MOST_EXPORTS = 4;
/** Bytes that wait for a slow reader. */
const BUFFERED = 262_144;

const TYPES: Readonly<Record<ExportFormat, { readonly type: string; readonly extension: string }>> = {
  parquet: { type: 'application/vnd.apache.parquet', extension: 'parquet' },
  arrow: { type: 'application/vnd.apache.arrow.file', extension: 'arrow' },
  ndjson: { type: 'application/x-ndjson; charset=utf-8', extension: 'ndjson' },
  csv: { type: 'text/csv; charset=utf-8', extension: 'csv' },
  chrome: { type: 'application/json; charset=utf-8', extension: 'json' },
  html: { type: 'text/html; charset=utf-16', extension: 'html' },
};

export function mediaTypeOf(format: ExportFormat): string {
  return TYPES[format].type.split(';', 1)[0]!;
}

/** Writes until it is done, or rejects when `gone` says that nobody reads any more. */
type Fill = (write: Write, gone: AbortSignal) => Promise<unknown>;

/** Answers with an export of a history. `template`: the page of reports. Throws RECORDING_UNREAD, TOO_MANY_EXPORTS, PAGE_NOT_BUILT. */
export function sendExport(
  store: Store,
  format: ExportFormat,
  selection: Selection,
  template: string | null,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (format !== 'html') {
    return send(store, format, request, reply, (write) => writeTaskRows(storeRows(store, selection), format, write));
  }
  if (template === null) throw new TaskglassError('PAGE_NOT_BUILT', 'the page of reports is missing');
  return send(store, format, request, reply, async (write, signal) => {
    const made = Date.now() / 1000;
    const { bytes } = await makeReport(store, { selection, template, server: VERSION, made, signal });
    for await (const part of bytes) await write(part);
  });
}

/** Answers `tasks` with a file of all that match. Throws QUERY_INVALID for what a file has not. */
export function sendTasks(
  store: Store,
  format: TaskFormat,
  { status, after, limit, order, ...filter }: Omit<TasksFilter, 'limit'> & { readonly limit: number | undefined },
  request: FastifyRequest,
  reply: FastifyReply,
): undefined {
  if (status === 'processing' || after !== undefined || limit !== undefined || order === 'newest') {
    throw new TaskglassError(
      'QUERY_INVALID',
      `format=${format} has all that finished: no limit, after, order, processing`,
    );
  }
  send(store, format, request, reply, (write) => writeTaskRows(storeRows(store, { ...filter, status }), format, write));
}

let running = 0;

function send(
  store: Store,
  format: ExportFormat,
  request: FastifyRequest,
  reply: FastifyReply,
  fill: Fill,
): FastifyReply {
  if (store.cluster?.engine === 'recording' && store.link.state === 'connecting') {
    throw new TaskglassError('RECORDING_UNREAD', 'what was not read yet would be missing');
  }
  if (running >= MOST_EXPORTS) throw new TaskglassError('TOO_MANY_EXPORTS', `${running} are being made`);
  const { type, extension } = TYPES[format];
  reply
    .type(type)
    .header('cache-control', 'no-store')
    .header('content-disposition', `attachment; filename="${fileName(store, extension)}"`);
  return reply.send(request.method === 'HEAD' ? '' : streamOf(fill));
}

/** What `fill` writes, as it is read: writing waits for a slow reader, and rejects when the reader is gone. */
function streamOf(fill: Fill): PassThrough {
  const stream = new PassThrough({ highWaterMark: BUFFERED });
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  const write: Write = async (bytes) => {
    gone.signal.throwIfAborted();
    if (!stream.write(bytes)) await once(stream, 'drain', { signal: gone.signal });
  };
  running++;
  fill(write, gone.signal)
    .then(
      () => stream.end(),
      // The connection is cut, so that half a file is not taken for a whole one.
      (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
    )
    .finally(() => {
      running--;
    });
  return stream;
}

/** `taskglass-10.0.0.1-8786-20260501T120000.html`: of characters that every file system takes. */
function fileName(store: Store, extension: string): string {
  const place = (store.cluster?.address ?? '').replace(/^[a-z]+:\/\//, '').replace(/[^A-Za-z0-9.-]+/g, '-');
  const time = new Date(store.now * 1000).toISOString().replace(/[-:]|\.\d+Z$/g, '');
  return `${['taskglass', place.slice(0, 60), time].filter((part) => part !== '').join('-')}.${extension}`;
}
