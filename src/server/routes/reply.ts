import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TaskglassError } from '../../base/errors.ts';
import { encodingFor, type PageFile } from '../../serving/page-files.ts';

// What the parts of the HTTP server answer alike.

/** Fastify answers HEAD wherever it answers GET. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): Promise<FastifyReply> {
  reply.header('etag', file.etag).header('vary', 'accept-encoding');
  if (request.headers['if-none-match']?.includes(file.etag)) return reply.code(304).send();
  const { encoding, body } = await encodingFor(file, request.headers['accept-encoding']);
  if (encoding !== null) reply.header('content-encoding', encoding);
  return reply.type(file.type).send(body);
}

export function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  app.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    handler: (request, reply) => {
      reply.header('allow', allowed.join(', '));
      throw new TaskglassError('METHOD_NOT_ALLOWED', `${request.method} is not; ${allowed.join(', ')} is`);
    },
  });
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!;
}
