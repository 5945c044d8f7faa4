import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { stringifyClientMessage } from '../wire/client-message.ts';
import { decode } from '../wire/decode.ts';
import { type ClientMessage, type ServerMessage, WIRE_VERSION } from '../wire/message.ts';
import { ScriptedSource } from './scripted-source.fixture.ts';
import { type ServerOptions, startServer, type TaskglassServer } from './server.ts';

/** A server on a free port with a scripted source and a small page; ends with its scope. */
export class Serving implements AsyncDisposable {
  readonly source: ScriptedSource;
  readonly server: TaskglassServer;
  readonly #folder: string;

  private constructor(source: ScriptedSource, server: TaskglassServer, folder: string) {
    this.source = source;
    this.server = server;
    this.#folder = folder;
  }

  static async start(
    options: Partial<Omit<ServerOptions, 'source'>> = {},
    source = new ScriptedSource(),
  ): Promise<Serving> {
    const folder = mkdtempSync(join(tmpdir(), 'taskglass-page-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), '<!doctype html><script src="./assets/app-1a2b.js"></script>');
    await writeFile(join(folder, 'assets', 'app-1a2b.js'), `// ${'tasks '.repeat(1_000)}\n`);
    try {
      const server = await startServer({ port: 0, pageDir: folder, ...options, source });
      return new Serving(source, server, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get port(): number {
    return this.server.port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url(path), { redirect: 'manual', ...init });
  }

  async json(path: string): Promise<unknown> {
    return (await this.fetch(path)).json();
  }

  viewer(options: ViewerOptions = {}): Promise<Viewer> {
    return Viewer.open(this.port, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** `fetch` does not let one choose the Host and Origin headers; this does. */
export async function rawRequest(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawAnswer> {
  const { method = 'GET', headers = {}, body } = options;
  const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

export interface ViewerOptions {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Sends hello and subscribes to these at once; null: says nothing. */
  readonly topics?: readonly ('running' | 'workers' | 'resources')[] | null;
}

/** A page's end of the wire, on a real socket. */
export class Viewer {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  bytes = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.bytes += data.length;
      this.messages.push(decode(new Uint8Array(data)));
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  /** Throws with the HTTP status when the server refuses. */
  static async open(port: number, options: ViewerOptions): Promise<Viewer> {
    const { path = '/api/v1/live', headers = {}, topics = [] } = options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    const viewer = new Viewer(socket);
    await new Promise<void>((opened, refused) => {
      socket.once('open', opened);
      socket.once('error', refused);
    });
    if (topics !== null) {
      viewer.send({ kind: 'hello', version: WIRE_VERSION });
      if (topics.length > 0) viewer.send({ kind: 'subscribe', topics });
    }
    return viewer;
  }

  send(message: ClientMessage): void {
    this.socket.send(stringifyClientMessage(message));
  }

  of<K extends ServerMessage['kind']>(kind: K): Extract<ServerMessage, { kind: K }>[] {
    return this.messages.filter((message): message is Extract<ServerMessage, { kind: K }> => message.kind === kind);
  }

  close(): void {
    this.socket.terminate();
  }
}
