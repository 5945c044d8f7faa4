import helmet from '@fastify/helmet';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import type { Access } from '../serving/access.ts';
import { cspDirectives, SECURITY_HEADERS } from '../serving/headers.ts';
import { ANSWER_LIMITS, type AnswerLimits, boundAnswers } from './answers.ts';

/** What one connection, and all together, may take of the server before anything is known of who is there. */
export interface ConnectionLimits extends AnswerLimits {
  /** Open sockets, WebSockets among them. Further ones are closed as they come. */
  readonly connections: number;
  /** A request that is not there after so long, head and body, is ended: slow ones hold sockets. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often that is looked after. */
  readonly checkMs: number;
}

const LIMITS: ConnectionLimits = {
  ...ANSWER_LIMITS,
  connections: 2_000,
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 2_000,
};
/** Bytes of a request's head: its address and its headers. Node's own default, held here so that it stays. */
const MAX_HEAD = 16_384;
const MAX_BODY = 65_536;

export interface AppOptions {
  readonly access: Access;
  readonly logger: Logger;
  readonly limits?: Partial<ConnectionLimits> | undefined;
  readonly frameworkErrors: NonNullable<FastifyServerOptions['frameworkErrors']>;
}

/** What a request may say is checked by schemas of our own: Fastify's compilers, which take long to load, are not needed. */
function noSchemas(): never {
  throw new Error('no route has a schema of this kind');
}

/** The HTTP or HTTPS server without an address: what holds for every request that comes. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { access, logger } = options;
  const limits = { ...LIMITS, ...options.limits };
  const node = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: MAX_HEAD,
  };
  const settings = {
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    requestTimeout: limits.requestMs,
    // A worker's name may stand in an address, escaped.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    frameworkErrors: (...[error, request, reply]: Parameters<AppOptions['frameworkErrors']>) => {
      // An address that is none comes past everything that is registered below.
      reply.headers(SECURITY_HEADERS);
      options.frameworkErrors(error, request, reply);
    },
    clientErrorHandler(error: NodeJS.ErrnoException, socket: import('node:net').Socket) {
      // Not HTTP at all, too slow or too much: nobody who would read a document.
      if (socket.writable) {
        socket.write(
          `HTTP/1.1 ${statusLine(error.code)}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n`,
        );
      }
      socket.destroy();
    },
  };
  // One type for both: nothing of ours asks which of the two it is.
  const app: FastifyInstance =
    access.https === null
      ? Fastify({ ...settings, http: node })
      : (Fastify({
          ...settings,
          https: { ...node, ...access.https, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersMs },
        }) as unknown as FastifyInstance);
  app.server.maxConnections = limits.connections;
  boundAnswers(app, limits);

  const inFrames = access.frameAncestors.length > 0;
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: cspDirectives(access.frameAncestors) },
    // The older header can name no sites, and where both are, browsers disagree.
    xFrameOptions: inFrames ? false : { action: 'deny' },
    // It would hold for every port of this name, ours or not; whoever owns the name decides.
    strictTransportSecurity: false,
  });
  // Nothing here reads a body unless a route asks for it; one that comes is dropped, and one without an end is cut off.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) => {
    let left = MAX_BODY;
    payload.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) request.raw.socket.destroySoon();
    });
    const tooLarge = Number(request.headers['content-length'] ?? 0) > MAX_BODY;
    done(tooLarge ? new TaskglassError('BODY_TOO_LARGE', `more than ${MAX_BODY} bytes`) : null, undefined);
  });
  return app;
}

function statusLine(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
}
