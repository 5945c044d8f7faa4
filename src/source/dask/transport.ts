import { connect as connectTcp, type Socket } from 'node:net';
import { TaskglassError } from '../../base/errors.ts';
import type { DaskAddress } from './address.ts';

/** A byte stream to a Dask process, open. One function per scheme: TLS is another row of {@link TRANSPORTS}. */
export type OpenTransport = (address: DaskAddress, signal: AbortSignal) => Promise<Socket>;

const TRANSPORTS: Readonly<Record<string, OpenTransport>> = { tcp: openTcp };

/** Throws SCHEME_UNSUPPORTED for a scheme without a transport; else what `connectionError` says. */
export function openTransport(address: DaskAddress, signal: AbortSignal): Promise<Socket> {
  const open = TRANSPORTS[address.scheme];
  if (!open) throw new TaskglassError('SCHEME_UNSUPPORTED', `${address.scheme}:// in ${address.text}`);
  return open(address, signal);
}

function openTcp({ host, port, text }: DaskAddress, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', fail);
    };
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(connectionError(error, text));
    };
    const abort = (): void => fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

/** What a failure to connect means to a person. */
function connectionError(error: Error & { code?: string }, text: string): TaskglassError {
  if (error instanceof TaskglassError) return error;
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
