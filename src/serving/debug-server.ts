import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TaskglassError } from '../base/errors.ts';
import type { DebugIndex, DebugView } from '../model/debug.ts';
import { errorPage, forwardPage } from './error-page.ts';
import { Gate } from './gate.ts';
import { SECURITY_HEADERS } from './headers.ts';
import { encodingFor, type PageFile, type PageFiles } from './page-files.ts';
import { codedError, PROBLEM_JSON, problemOf } from './problem.ts';

/** What one process has to show. */
export interface DebugPages {
  index(): DebugIndex;
  /** @throws NOT_FOUND */
  view(topic: string): Promise<DebugView>;
}

export interface DebugServerOptions {
  readonly host: string;
  /** Another free one is taken when this one is not; 0 = any. */
  readonly port: number;
  /** Asked of everyone when given. */
  readonly token: string | null;
  readonly allowHosts: readonly string[];
  readonly pages: DebugPages;
  /** The built page. Called at the first request for it and not before: most debug servers are never looked at. */
  readonly page: () => Promise<PageFiles>;
}

const API = '/api/v1/debug';
const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The debug pages of the process that it runs in, over plain `node:http`: it lies on the event loop of a scheduler or a
 * worker, so it is small, costs nothing while nobody asks, and keeps no process alive.
 */
export class DebugServer {
  readonly port: number;
  readonly #server: Server;
  readonly #options: DebugServerOptions;
  readonly #gate: Gate;
  #page: Promise<PageFiles> | null = null;

  private constructor(server: Server, options: DebugServerOptions) {
    const { host, allowHosts, token } = options;
    this.#server = server;
    this.#options = options;
    this.port = (server.address() as AddressInfo).port;
    this.#gate = new Gate({ host, allowHosts, token });
    this.#gate.bind(this.port, '');
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** @throws PORT_FORBIDDEN */
  static async start(options: DebugServerOptions): Promise<DebugServer> {
    const server = createServer({ requestTimeout: 30_000, keepAliveTimeout: 10_000 });
    server.on('connection', (socket) => socket.unref());
    server.on('clientError', (_error, socket) => socket.destroy());
    try {
      await bind(server, options.host, options.port).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE' || options.port === 0) throw error;
        return bind(server, options.host, 0);
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new TaskglassError('PORT_FORBIDDEN', `${options.host}:${options.port} (${code})`, { cause: error });
    }
    server.unref();
    return new DebugServer(server, options);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    response.setHeader('cache-control', 'no-store');
    try {
      await this.#route(request, response);
    } catch (error) {
      fail(error, request, response);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = addressOf(request);
    const token = query.get('token') ?? undefined;
    const { setCookie } = this.#gate.admit({
      method: request.method ?? 'GET',
      headers: request.headers,
      token,
      ip: request.socket.remoteAddress ?? '',
      upgrade: request.headers.upgrade !== undefined,
      open: path === '/health' || path.startsWith('/help/'),
    });
    if (setCookie !== null) response.setHeader('set-cookie', setCookie);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      throw new TaskglassError('METHOD_NOT_ALLOWED', `${request.method} is not; GET and HEAD are`);
    }
    // The token leaves the address bar, where it would be seen, kept and shared.
    if (token !== undefined && wantsHtml(request)) return forward(request, response, path, query);
    switch (path) {
      case '/health':
        return send(request, response, JSON_TYPE, JSON.stringify({ status: 'ok' }));
      case '/':
        return redirect(response, 302, 'debug');
      case '/debug':
      case '/debug/':
        response.setHeader('cache-control', 'no-cache');
        return sendFile(request, response, (await this.#files()).document(path === '/debug' ? 0 : 1));
      case API:
      case `${API}/`:
        return send(request, response, JSON_TYPE, JSON.stringify(this.#options.pages.index()));
    }
    if (path.startsWith(`${API}/`)) {
      const view = await this.#options.pages.view(decoded(path.slice(API.length + 1)));
      return send(request, response, JSON_TYPE, JSON.stringify(view));
    }
    const file = path.length > 1 ? (await this.#files()).file(path.slice(1)) : undefined;
    if (file === undefined) throw new TaskglassError('NOT_FOUND', 'no page and no part of the API has this address');
    response.setHeader('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    return sendFile(request, response, file);
  }

  #files(): Promise<PageFiles> {
    this.#page ??= this.#options.page();
    return this.#page;
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addressOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path = '/', ...rest] = (request.url ?? '/').split('?');
  return { path, query: new URLSearchParams(rest.join('?')) };
}

/** @throws NOT_FOUND where it is no text */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new TaskglassError('NOT_FOUND', 'no topic has this name');
  }
}

function fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  const problem = problemOf(codedError(error));
  response.setHeader('cache-control', 'no-store');
  if (problem.code === 'TOKEN_REQUIRED') response.setHeader('www-authenticate', 'Bearer');
  if (problem.code === 'RATE_LIMITED') response.setHeader('retry-after', '60');
  response.statusCode = problem.status;
  const { path } = addressOf(request);
  const root = '../'.repeat(Math.max(path.split('/').length - 2, 0)) || './';
  if (wantsHtml(request)) send(request, response, HTML, errorPage(problem, root, ['debug']));
  else send(request, response, PROBLEM_JSON, JSON.stringify(problem));
}

function send(request: IncomingMessage, response: ServerResponse, type: string, body: string | Buffer): void {
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile): Promise<void> {
  response.setHeader('etag', file.etag);
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match']?.includes(file.etag) === true) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const { encoding, body } = await encodingFor(file, String(request.headers['accept-encoding'] ?? ''));
  if (encoding !== null) response.setHeader('content-encoding', encoding);
  send(request, response, file.type, body);
}

/** To the same address without the token. Relative, so that it holds behind a proxy that cuts a prefix off. */
function forward(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): void {
  query.delete('token');
  const to = `./${path.slice(path.lastIndexOf('/') + 1)}${query.size > 0 ? `?${query}` : ''}`;
  // A strict cookie does not travel along a redirect that began on another site; from a page of ours it does.
  if (request.headers['sec-fetch-site'] === 'cross-site') send(request, response, HTML, forwardPage(to));
  else redirect(response, 303, to);
}

function redirect(response: ServerResponse, status: number, to: string): void {
  response.statusCode = status;
  response.setHeader('location', to);
  response.end();
}

function wantsHtml(request: IncomingMessage): boolean {
  return request.headers.upgrade === undefined && (request.headers.accept ?? '').includes('text/html');
}
