import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { PageFiles } from '../../serving/page-files.ts';
import { EXPORT_QUERY, parseQuery, trackSet } from '../routes/api-query.ts';
import { refuseOtherMethods } from '../routes/reply.ts';
import { keyTest } from '../routes/text-test.ts';
import type { Mount } from '../watched/mounts.ts';
import { EXPORT_FORMATS } from './formats.ts';
import { mediaTypeOf, sendExport } from './send.ts';

/** How the OpenAPI document describes it. */
export const EXPORT_ROUTE = {
  method: 'GET',
  path: '/export',
  summary: 'The history, or a selection of it, as a file',
  query: EXPORT_QUERY,
  /** It never answers in JSON of ours. */
  answer: z.never(),
  status: 200,
  also: EXPORT_FORMATS.map(mediaTypeOf),
} as const;

/** `GET …/api/v1/export`: streams the file as the reader takes it, and stops when the reader goes. */
export function addExportRoute(
  app: FastifyInstance,
  mount: Mount,
  { prefix, page }: { readonly prefix: string; readonly page: PageFiles },
): void {
  const url = `${prefix}${mount.path}/api/v1${EXPORT_ROUTE.path}`;
  app.get(url, async (request, reply) => {
    const query = parseQuery(EXPORT_QUERY, request.query);
    const { format, min_duration, max_duration, tracks, text, regex, ...rest } = query;
    const selection = {
      ...rest,
      minDuration: min_duration,
      maxDuration: max_duration,
      tracks: tracks === undefined ? undefined : trackSet(tracks),
      text: keyTest(text, regex === '1'),
    };
    const { store } = await mount.of(request);
    return sendExport(store, format, selection, page.report, request, reply);
  });
  refuseOtherMethods(app, url, ['GET', 'HEAD']);
}
