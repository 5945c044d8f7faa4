import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { TaskglassError } from '../../../base/errors.ts';
import type { DaskAddress } from './address.ts';
import { readTls, type TlsOptions, tlsError } from './tls.ts';

/** A byte stream to a Dask process, open. One function per scheme. */
export type OpenTransport = (
  address: DaskAddress,
  signal: AbortSignal,
  tls: TlsOptions | undefined,
) => Promise<Transport>;

export interface Transport {
  readonly socket: Socket;
  /** Why it ended before the first message, if the transport can tell. */
  explain(error: unknown): TaskglassError | undefined;
}

const TRANSPORTS: Readonly<Record<string, OpenTransport>> = { tcp: openTcp, tls: openTls };

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 };

/** Throws SCHEME_UNSUPPORTED for a scheme without a transport; what `connectionError` says; for tls the TLS_ codes. */
export function openTransport(
  address: DaskAddress,
  signal: AbortSignal,
  tls: TlsOptions | undefined,
): Promise<Transport> {
  const open = TRANSPORTS[address.scheme];
  if (!open) throw new TaskglassError('SCHEME_UNSUPPORTED', `${address.scheme}:// in ${address.text}`);
  return open(address, signal, tls);
}

async function openTcp({ host, port, text }: DaskAddress, signal: AbortSignal): Promise<Transport> {
  const socket = connectTcp({ host, port, ...SOCKET_OPTIONS });
  await opened(socket, 'connect', signal, (error) => connectionError(error, text));
  return { socket, explain: () => undefined };
}

async function openTls(
  { host, port, text }: DaskAddress,
  signal: AbortSignal,
  options: TlsOptions | undefined,
): Promise<Transport> {
  const tls = await readTls(options);
  const showed = tls.cert !== undefined;
  const socket = await secure({ host, port, text }, { ...tls, ...SOCKET_OPTIONS }, signal, (error) => {
    return tlsError(error.code, text, showed) ?? connectionError(error, text);
  });
  return {
    socket,
    // Under TLS 1.3 our side of the handshake is over before the other has looked at our certificate.
    explain: (error) => {
      const { code } = (error instanceof TaskglassError ? (error.cause ?? {}) : {}) as { code?: string };
      const hungUp = code === undefined || code === 'ECONNRESET';
      if (!hungUp) return tlsError(code, text, showed);
      return showed ? undefined : new TaskglassError('TLS_CERT_MISSING', `${text} (it closed the connection)`);
    },
  };
}

/** Whether what answers there speaks TLS: asked when it does not understand plain Dask. */
export async function speaksTls({ host, port }: DaskAddress, signal: AbortSignal): Promise<boolean> {
  const text = '';
  // Nothing is sent or believed over this connection: it ends with the handshake.
  const options = { rejectUnauthorized: false, ...SOCKET_OPTIONS };
  try {
    const socket = await secure({ host, port, text }, options, signal, (error) => error);
    socket.on('error', () => {});
    socket.destroy();
    return true;
  } catch (error) {
    return tlsError((error as { code?: string }).code, text, false)?.code === 'TLS_CERT_MISSING';
  }
}

async function secure(
  { host, port }: Pick<DaskAddress, 'host' | 'port' | 'text'>,
  options: ConnectionOptions,
  signal: AbortSignal,
  explain: (error: Error & { code?: string }) => Error,
): Promise<TLSSocket> {
  let socket: TLSSocket;
  try {
    socket = connectTls({ host, port, ...options });
  } catch (error) {
    throw explain(error as Error);
  }
  await opened(socket, 'secureConnect', signal, explain);
  socket.setNoDelay(true);
  return socket;
}

/** Waits until a socket is open. Destroys it and rejects when it fails or is given up. */
function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
  explain: (error: Error & { code?: string }) => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', fail);
    };
    const fail = (error: Error): void => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error instanceof TaskglassError ? error : explain(error));
    };
    const abort = (): void => fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    socket.once('error', fail);
    socket.once(event, () => {
      settle();
      resolve();
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

/** What a failure to connect means to a person. */
function connectionError(error: Error & { code?: string }, text: string): TaskglassError {
  const detail = `${text} (${error.code ?? error.message})`;
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return new TaskglassError('HOST_NOT_FOUND', detail, { cause: error });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EINVAL':
      return new TaskglassError('HOST_UNREACHABLE', detail, { cause: error });
    case 'ETIMEDOUT':
      return new TaskglassError('CONNECT_TIMEOUT', detail, { cause: error });
    default:
      return new TaskglassError('CONNECTION_REFUSED', detail, { cause: error });
  }
}
