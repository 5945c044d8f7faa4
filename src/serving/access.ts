import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { TaskglassError } from '../base/errors.ts';
import { printable } from './printable.ts';

/** Who may come in, by which door, and who may show our pages in a frame: beside the token. */
export interface AccessOptions {
  /** Our own certificate and its key, paths of PEM files: HTTPS instead of HTTP. A key may stand in the certificate's file. */
  readonly httpsCert?: string;
  readonly httpsKey?: string;
  /** Sites that may show the pages in a frame: `'self'` or origins like `https://hub.example`. Default: none. */
  readonly frameAncestors?: readonly string[];
  /** The header in which a proxy that logs people in says who it is; another way in beside the token. */
  readonly authHeader?: string;
  /** Addresses or networks whose headers are believed. Default: loopback. */
  readonly trustedProxies?: readonly string[];
}

/** The same, checked and read. */
export interface Access {
  readonly https: HttpsFiles | null;
  readonly frameAncestors: readonly string[];
  /** In small letters. */
  readonly authHeader: string | null;
  readonly proxies: TrustedProxies;
}

export interface HttpsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws OPTION_INVALID, HTTPS_FILE_UNREADABLE, HTTPS_KEY_MISMATCH, HTTPS_EXPIRED */
export function readAccess(options: AccessOptions): Access {
  return {
    https: readHttps(options.httpsCert, options.httpsKey),
    frameAncestors: (options.frameAncestors ?? []).flatMap(ancestorsOf),
    authHeader: options.authHeader === undefined ? null : headerName(options.authHeader),
    proxies: new TrustedProxies(options.trustedProxies ?? []),
  };
}

/** `now` in ms. */
export function readHttps(certFile: string | undefined, keyFile: string | undefined, now = Date.now()) {
  if (certFile === undefined) {
    if (keyFile === undefined) return null;
    throw new TaskglassError('OPTION_INVALID', 'a key for HTTPS needs its certificate: --https-cert');
  }
  const cert = readPem(certFile);
  const key = keyFile === undefined ? cert : readPem(keyFile);
  const certificate = parsed(certFile, () => new X509Certificate(cert));
  const secret = parsed(keyFile ?? certFile, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(secret)) {
    throw new TaskglassError('HTTPS_KEY_MISMATCH', `${certFile} and ${keyFile ?? certFile}`);
  }
  if (now > Date.parse(certificate.validTo)) {
    throw new TaskglassError('HTTPS_EXPIRED', `${certFile} was valid until ${certificate.validTo}`);
  }
  if (now < Date.parse(certificate.validFrom)) {
    throw new TaskglassError('HTTPS_EXPIRED', `${certFile} is valid from ${certificate.validFrom}`);
  }
  return { cert, key };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TaskglassError('HTTPS_FILE_UNREADABLE', `${file} (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TaskglassError('HTTPS_FILE_UNREADABLE', `${file} holds none that can be read (${code ?? 'not PEM'})`, {
      cause: error,
    });
  }
}

/** One option may hold several, as a policy is written; a shell takes the quotes of 'self' away. */
function ancestorsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .filter((source) => source !== '')
    .map((source) => {
      if (source === 'self' || source === "'self'") return "'self'";
      if (/^https?:\/\/(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i.test(source)) return source.toLowerCase();
      throw new TaskglassError(
        'OPTION_INVALID',
        `frame ancestor "${printable(source)}": 'self' or an origin like https://hub.example`,
      );
    });
}

/** Headers that say something else, or that any client chooses. */
const NOT_A_LOGIN = new Set(['authorization', 'cookie', 'host', 'origin', 'referer', 'user-agent', 'x-forwarded-for']);

function headerName(text: string): string {
  const name = text.toLowerCase();
  if (/^[a-z0-9-]{1,100}$/.test(name) && !NOT_A_LOGIN.has(name) && !name.startsWith('sec-')) return name;
  throw new TaskglassError('OPTION_INVALID', `auth header "${printable(text)}": like X-Forwarded-User`);
}

/** Addresses that speak for others. */
export class TrustedProxies {
  readonly #list = new BlockList();
  /** True when they were named: only then is it sure that one stands before everybody who comes from there. */
  readonly #named: boolean;

  constructor(addresses: readonly string[]) {
    this.#named = addresses.length > 0;
    for (const address of this.#named ? addresses : ['127.0.0.0/8', '::1']) this.#add(address);
  }

  includes(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** Who sent a request that came from `peer`: what a named proxy added last to X-Forwarded-For, else the peer itself. */
  clientOf(peer: string, forwardedFor: string | string[] | undefined): string {
    const plain = plainAddress(peer);
    if (!this.#named || forwardedFor === undefined || !this.includes(plain)) return plain;
    const last = String(forwardedFor).split(',').at(-1)!.trim();
    return isIP(last) === 0 ? plain : plainAddress(last);
  }

  #add(text: string): void {
    const [address = '', bits, ...rest] = text.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const width = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || rest.length > 0 || width < 0 || width > most) {
      throw new TaskglassError(
        'OPTION_INVALID',
        `trusted proxy "${printable(text)}": an address like 10.0.0.7, or a network like 10.0.0.0/24`,
      );
    }
    this.#list.addSubnet(address, width, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** An IPv4 address that came through an IPv6 socket, as itself. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
