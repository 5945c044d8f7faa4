import { isIPv6 } from 'node:net';
import { TaskglassError } from '../../../base/errors.ts';

export interface DaskAddress {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** As Dask writes it. */
  readonly text: string;
}

/** What Dask itself would listen on, but for which there is no transport here. */
const OTHER_SCHEMES = new Set(['ucx', 'ucxx', 'inproc', 'ws', 'wss', 'http', 'https', 'gateway']);

/**
 * Reads `tcp://host:port`, `host:port`, `[::1]:port`. The scheme defaults to tcp.
 * Throws ADDRESS_INVALID or SCHEME_UNSUPPORTED.
 */
export function parseAddress(text: string): DaskAddress {
  const trimmed = text.trim();
  const invalid = (why: string): never => {
    throw new TaskglassError('ADDRESS_INVALID', `${JSON.stringify(text.slice(0, 200))} ${why}`);
  };
  const [, prefix, rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(trimmed)!;
  const scheme = (prefix ?? 'tcp').toLowerCase();
  if (OTHER_SCHEMES.has(scheme))
    throw new TaskglassError('SCHEME_UNSUPPORTED', `${scheme}:// in ${trimmed.slice(0, 200)}`);
  if (scheme !== 'tcp' && scheme !== 'tls') return invalid(`begins with an unknown scheme, ${scheme}://`);
  const match = /^(?:\[([^\]]*)\]|([^:[\]/?#@\s]*))(?::(\d*))?\/?$/.exec(rest!);
  if (!match) return invalid('is not HOST:PORT (an IPv6 address goes in brackets)');
  const host = match[1] ?? match[2]!;
  if (host === '') return invalid('has no host');
  if (match[1] !== undefined && !isIPv6(host)) return invalid('has something in brackets that is not an IPv6 address');
  if (host.length > 253) return invalid('has a host name that is too long');
  if (!match[3]) return invalid('has no port; a scheduler usually listens on 8786');
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return invalid('has a port outside 1..65535');
  return { scheme, host, port, text: `${scheme}://${match[1] === undefined ? host : `[${host}]`}:${port}` };
}
