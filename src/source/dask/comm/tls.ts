import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import { TaskglassError } from '../../../base/errors.ts';
import { daskConfig } from '../dask-config.ts';

/** Each a path, or the PEM text itself: as in `distributed.Security`. What is absent is looked up in Dask's configuration. */
export interface TlsOptions {
  /** The cluster's CA. */
  readonly caFile?: string;
  /** The certificate we show, with what is needed to lead it back to the CA. */
  readonly cert?: string;
  /** Its key. Absent: it stands in `cert` too. */
  readonly key?: string;
  /** Whom the scheduler's certificate must be for, a host name or a number. Absent: as in Dask, whoever the CA signed for. */
  readonly serverName?: string;
}

const CA_KEY = 'distributed.comm.tls.ca-file';
const CERT_KEY = 'distributed.comm.tls.client.cert';
const KEY_KEY = 'distributed.comm.tls.client.key';

const PEM_ERRORS: Readonly<Record<string, string>> = {
  ERR_OSSL_PEM_NO_START_LINE: 'it is no PEM text',
  ERR_OSSL_UNSUPPORTED: 'it holds no key that is understood',
  ERR_MISSING_PASSPHRASE: 'the key is encrypted; Dask takes only keys without a password',
};

/**
 * What a TLS connection is made with. The files are read anew for each connection: certificates are renewed while we
 * run. As in Dask the chain is verified and the host name is not, unless one is given: a cluster has a CA of its own, and addresses are numbers.
 *
 * Throws TLS_FILES_MISSING, TLS_FILE_UNREADABLE, TLS_KEY_MISMATCH, DASK_CONFIG_INVALID.
 */
export async function readTls(options: TlsOptions = {}): Promise<ConnectionOptions> {
  const { caFile, cert, key } = await withConfiguration(options);
  // Without the cluster's own CA anybody with a certificate for whatever name would pass for the scheduler.
  if (caFile === undefined) throw new TaskglassError('TLS_FILES_MISSING', 'no CA file is given');
  const { serverName } = options;
  const secrets: ConnectionOptions = {
    ca: await certificate(caFile, 'the CA file'),
    minVersion: 'TLSv1.2',
    ...(serverName !== undefined && isIP(serverName) === 0 && { servername: serverName }),
    checkServerIdentity: (_, shown) => (serverName === undefined ? undefined : identityError(serverName, shown)),
  };
  // A proxy before the scheduler may want none; a scheduler says so if it does.
  if (cert === undefined) return secrets;
  const chain = await certificate(cert, 'the certificate');
  const keyText = key === undefined ? chain : await pem(key, 'the key');
  if (!new X509Certificate(chain).checkPrivateKey(privateKey(keyText, key ?? cert))) {
    throw new TaskglassError('TLS_KEY_MISMATCH', `${named(key ?? cert)} is not the key of ${named(cert)}`);
  }
  return { ...secrets, cert: chain, key: keyText };
}

function identityError(serverName: string, shown: PeerCertificate): TaskglassError | undefined {
  const error = checkServerIdentity(serverName, shown);
  if (error === undefined) return undefined;
  const names = String(shown.subjectaltname ?? shown.subject?.CN ?? 'nobody');
  const readable = names.slice(0, 200).replace(/[^ -~]/g, '?');
  return new TaskglassError('TLS_HOST_MISMATCH', `it is for ${readable}, not for ${serverName}`, { cause: error });
}

async function withConfiguration({ caFile, cert, key }: TlsOptions): Promise<TlsOptions> {
  if (caFile !== undefined && cert !== undefined && key !== undefined) return { caFile, cert, key };
  const config = await daskConfig([CA_KEY, CERT_KEY, KEY_KEY]);
  const given = { caFile: caFile ?? config[CA_KEY], cert: cert ?? config[CERT_KEY], key: key ?? config[KEY_KEY] };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function certificate(value: string, what: string): Promise<string> {
  const text = await pem(value, what);
  try {
    new X509Certificate(text);
  } catch (error) {
    throw unreadable(value, what, error);
  }
  return text;
}

function privateKey(text: string, value: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw unreadable(value, 'the key', error);
  }
}

async function pem(value: string, what: string): Promise<string> {
  if (value.includes('\n')) return value;
  try {
    return await readFile(value, 'utf8');
  } catch (error) {
    throw unreadable(value, what, error);
  }
}

function unreadable(value: string, what: string, error: unknown): TaskglassError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = PEM_ERRORS[code ?? ''] ?? code ?? message;
  return new TaskglassError('TLS_FILE_UNREADABLE', `${what}, ${named(value)}: ${why}`, { cause: error });
}

/** A PEM text is not repeated: it may be a key. */
function named(value: string): string {
  return value.includes('\n') ? 'given as text' : value;
}

const UNTRUSTED = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_|CERT_|CRL_|INVALID_|PATH_LENGTH|AUTHORITY)/;
const NOT_TLS =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE|UNEXPECTED_MESSAGE)/;
/** Alerts with which the other side refuses what we showed, or that we showed nothing. */
const REFUSED =
  /^ERR_SSL_.*ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(UNKNOWN|REVOKED|REQUIRED)|HANDSHAKE_FAILURE|ACCESS_DENIED|DECRYPT_ERROR)$/;

/** What an error of a TLS connection means to a person; undefined when it is not about TLS. */
export function tlsError(code: string | undefined, address: string, showed: boolean): TaskglassError | undefined {
  if (code === undefined) return undefined;
  const detail = `${address} (${code})`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new TaskglassError('TLS_EXPIRED', `that of the scheduler at ${detail}`);
  }
  if (code.endsWith('ALERT_CERTIFICATE_EXPIRED')) return new TaskglassError('TLS_EXPIRED', `ours, says ${detail}`);
  if (REFUSED.test(code)) return new TaskglassError(showed ? 'TLS_CERT_REFUSED' : 'TLS_CERT_MISSING', detail);
  if (NOT_TLS.test(code)) return new TaskglassError('TLS_NOT_SPOKEN', detail);
  if (UNTRUSTED.test(code)) return new TaskglassError('TLS_UNTRUSTED', detail);
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') {
    return new TaskglassError('TLS_FAILED', detail);
  }
  return undefined;
}
