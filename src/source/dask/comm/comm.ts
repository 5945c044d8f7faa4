import type { Socket } from 'node:net';
import { TaskglassError } from '../../../base/errors.ts';
import { type DaskAddress, parseAddress } from './address.ts';
import { DEFAULT_LIMITS, type FrameLimits, FrameParser } from './frames.ts';
import { type DaskValue, decodeMessage, encodeMessage } from './message.ts';
import { isRecord } from './msgpack.ts';
import type { TlsOptions } from './tls.ts';
import { openTransport, speaksTls, type Transport } from './transport.ts';

export interface ConnectOptions {
  /** For connecting and the handshake together. Default 5,000. */
  readonly timeoutMs?: number;
  readonly limits?: FrameLimits;
  readonly signal?: AbortSignal;
  /** For tls:// addresses. */
  readonly tls?: TlsOptions;
}

interface Waiter {
  resolve(message: DaskValue): void;
  reject(error: Error): void;
}

const HANDSHAKE = { compression: null, python: [3, 11, 0], 'pickle-protocol': 4 };

/**
 * Connects to a Dask process and shakes hands. Throws ADDRESS_INVALID, SCHEME_UNSUPPORTED, CONNECTION_REFUSED,
 * HOST_NOT_FOUND, HOST_UNREACHABLE, CONNECT_TIMEOUT, or NOT_A_SCHEDULER where something else answers; the codes that
 * begin with TLS_, and DASK_CONFIG_INVALID, where it is about certificates.
 */
export async function connect(address: string, options: ConnectOptions = {}): Promise<Comm> {
  const parsed = parseAddress(address);
  const timeoutMs = options.timeoutMs ?? 5_000;
  const abort = new AbortController();
  const onAbort = (): void => abort.abort(new TaskglassError('LINK_CLOSED', `${parsed.text}: closed while connecting`));
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort);
  const timer = setTimeout(
    () =>
      abort.abort(new TaskglassError('CONNECT_TIMEOUT', `${parsed.text} said nothing within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    const transport = await openTransport(parsed, abort.signal, options.tls);
    const comm = new Comm(transport.socket, parsed.text, options.limits ?? DEFAULT_LIMITS);
    const closeComm = (): void => comm.close(abort.signal.reason);
    abort.signal.addEventListener('abort', closeComm);
    if (abort.signal.aborted) closeComm();
    try {
      await shakeHands(comm, parsed);
      return comm;
    } catch (error) {
      comm.close();
      const reason = await whyNoHandshake(error, parsed, transport, abort.signal);
      throw abort.signal.aborted ? abort.signal.reason : reason;
    } finally {
      abort.signal.removeEventListener('abort', closeComm);
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Both sides write and read; the order does not matter to the other one. */
async function shakeHands(comm: Comm, { scheme }: DaskAddress): Promise<void> {
  // Over TLS 1.3 we may learn only now that our certificate is refused. What we had written by then would
  // be answered by a reset, which could overtake the alert that says so.
  const listenFirst = scheme === 'tls';
  if (!listenFirst) comm.write(HANDSHAKE);
  const answer = await comm.read();
  if (!isRecord(answer) || !('compression' in answer) || !('pickle-protocol' in answer)) {
    throw new TaskglassError('PROTOCOL_ERROR', 'a handshake that is none');
  }
  if (listenFirst) comm.write(HANDSHAKE);
}

async function whyNoHandshake(
  error: unknown,
  address: DaskAddress,
  transport: Transport,
  signal: AbortSignal,
): Promise<TaskglassError> {
  const reason = transport.explain(error);
  if (reason) return reason;
  if (address.scheme === 'tcp' && (await speaksTls(address, signal))) {
    return new TaskglassError('TLS_EXPECTED', address.text, { cause: error });
  }
  return new TaskglassError('NOT_A_SCHEDULER', `${address.text} does not speak Dask's protocol`, { cause: error });
}

/** A connection that carries Dask messages. What comes is read one by one, or handed to `onMessage`. */
export class Comm {
  readonly address: string;
  /** Resolves with why it ended, when it has. */
  readonly closed: Promise<TaskglassError>;
  readonly #socket: Socket;
  readonly #queue: DaskValue[] = [];
  readonly #waiters: Waiter[] = [];
  #onMessage: ((message: DaskValue) => void) | undefined;
  #end: TaskglassError | undefined;

  constructor(socket: Socket, address: string, limits: FrameLimits) {
    this.#socket = socket;
    this.address = address;
    const parser = new FrameParser((frames) => this.#receive(decodeMessage(frames)), limits);
    socket.on('data', (chunk: Buffer) => {
      if (this.#end) return;
      try {
        parser.push(chunk);
      } catch (error) {
        this.close(
          error instanceof TaskglassError
            ? error
            : new TaskglassError('PROTOCOL_ERROR', String(error), { cause: error }),
        );
      }
    });
    socket.on('error', (error: Error & { code?: string }) => {
      this.close(new TaskglassError('LINK_CLOSED', `${address} (${error.code ?? error.message})`, { cause: error }));
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.close();
        resolve(this.#end!);
      });
    });
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Throws LINK_CLOSED (or why it closed) when it is closed. */
  write(message: unknown): void {
    if (this.#end) throw this.#end;
    this.#socket.write(encodeMessage(message));
  }

  /** The next message. Rejects when the connection ends first. */
  read(): Promise<DaskValue> {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift()!);
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** From now on every message goes there, those that have come already first. */
  listen(onMessage: (message: DaskValue) => void): void {
    this.#onMessage = onMessage;
    for (const message of this.#queue.splice(0)) onMessage(message);
  }

  /** Ends the connection and rejects whoever waits. Idempotent; the first reason stays. */
  close(reason?: TaskglassError): void {
    if (this.#end) return;
    this.#end = reason ?? new TaskglassError('LINK_CLOSED', `${this.address} closed the connection`);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#end);
    this.#socket.destroy();
  }

  #receive(message: DaskValue): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(message);
    else if (this.#onMessage) this.#onMessage(message);
    else this.#queue.push(message);
  }
}
