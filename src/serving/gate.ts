import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { TaskglassError } from '../base/errors.ts';
import { printable } from './printable.ts';

/**
 * The one gate that everything passes, HTTP and WebSocket alike: is this name served here, does the request come from
 * our own page, does it carry the token. Nothing behind it asks again.
 */
export interface GateOptions {
  /** What the server is bound to. */
  readonly host: string;
  /** Further names that may stand in a Host header; `.example.com` stands for all names below it. */
  readonly allowHosts: readonly string[];
  readonly token: string | null;
  readonly limits?: Partial<GateLimits>;
}

export interface GateLimits {
  /** Wrong tokens that one address may send within `windowMs`; then it waits the rest of it. */
  readonly failures: number;
  readonly windowMs: number;
}

/** What a request says of itself. */
export interface Knock {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** `?token=`, where there is one. */
  readonly token: string | undefined;
  /** The address it comes from. */
  readonly ip: string;
  /** True for a WebSocket's handshake. */
  readonly upgrade: boolean;
  /** True where no token is asked for (probes, the documents that tell how to log in). */
  readonly open: boolean;
}

/** `setCookie`: the request proved itself with `?token=`; this cookie is to take its place. */
export interface Admission {
  readonly setCookie: string | null;
}

const LIMITS: GateLimits = { failures: 10, windowMs: 60_000 };
/** Addresses whose failures are remembered; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class Gate {
  readonly #hosts: ReadonlySet<string>;
  readonly #allowed: readonly string[];
  readonly #anyAddress: boolean;
  readonly #token: Buffer | null;
  /**
   * A cookie is made with a key that lives as long as the process. So it says nothing about a token that is easy to
   * guess, and a wrong one (of an earlier process) need not count as a guess.
   */
  readonly #session: string | null;
  readonly #limits: GateLimits;
  readonly #failures = new Map<string, { count: number; until: number }>();
  #cookieName = 'taskglass';
  #cookiePath = '/';

  constructor(options: GateOptions) {
    const bound = normalHost(options.host);
    this.#anyAddress = isWildcard(bound);
    this.#hosts = new Set(['localhost', bound, ...(this.#anyAddress ? [hostname().toLowerCase()] : [])]);
    this.#allowed = options.allowHosts.map(normalHost);
    this.#token = options.token === null ? null : digest(options.token);
    this.#session =
      options.token === null ? null : createHmac('sha256', randomBytes(32)).update(options.token).digest('base64url');
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Where the server listens. Cookies do not tell ports apart, so their name does. */
  bind(port: number, prefix: string): void {
    this.#cookieName = `taskglass-${port}`;
    this.#cookiePath = prefix === '' ? '/' : prefix;
  }

  /** Throws HOST_REFUSED, ORIGIN_REFUSED, TOKEN_REQUIRED or RATE_LIMITED. `now` in ms. */
  admit(knock: Knock, now = Date.now()): Admission {
    this.#checkHost(knock.headers.host);
    if (knock.upgrade || !SAFE_METHODS.has(knock.method)) this.#checkOrigin(knock.headers);
    if (this.#token === null || knock.open) return { setCookie: null };
    return this.#checkToken(knock, now);
  }

  /**
   * A page of another site can make its own name lead to 127.0.0.1 and then read us as "same origin". It cannot change
   * the Host header that its name gives, so only names that are known to be ours are served.
   */
  #checkHost(header: string | undefined): void {
    const host = hostOf(header);
    if (host === null) throw new TaskglassError('HOST_REFUSED', 'the Host header is missing or malformed');
    if (this.#hosts.has(host) || isLoopback(host) || this.#isAllowed(host)) return;
    // An address cannot be rebound as a name can, and whoever binds to all addresses means all of them.
    if (this.#anyAddress && isIP(host) !== 0) return;
    throw new TaskglassError('HOST_REFUSED', `"${printable(host)}" is not a name of this server`);
  }

  #checkOrigin(headers: IncomingHttpHeaders): void {
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    // Programs that are not browsers send neither; a browser always sends Origin with what is checked here.
    if (origin === undefined) {
      if (site === undefined || site === 'same-origin' || site === 'none') return;
      throw new TaskglassError('ORIGIN_REFUSED', 'the request comes from another site');
    }
    let url: URL | null = null;
    try {
      url = new URL(origin);
    } catch {
      // "null" and rubbish: no origin of ours.
    }
    if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
      if (url.host === headers.host?.toLowerCase()) return;
      // Behind a proxy that rewrites Host, the browser's name for us is the allowed one.
      if (this.#isAllowed(normalHost(url.hostname))) return;
    }
    throw new TaskglassError('ORIGIN_REFUSED', `the request comes from ${printable(origin)}`);
  }

  #isAllowed(host: string): boolean {
    return this.#allowed.some((allowed) => host === allowed || (allowed.startsWith('.') && host.endsWith(allowed)));
  }

  #checkToken(knock: Knock, now: number): Admission {
    if (this.#hasSession(knock.headers.cookie)) return { setCookie: null };
    const given = knock.token ?? bearer(knock.headers.authorization);
    if (given === null) throw new TaskglassError('TOKEN_REQUIRED', 'the request carries no token');
    const failed = this.#failures.get(knock.ip);
    if (failed !== undefined && now >= failed.until) this.#failures.delete(knock.ip);
    else if (failed !== undefined && failed.count >= this.#limits.failures) {
      throw new TaskglassError('RATE_LIMITED', 'too many wrong tokens from this address');
    }
    if (timingSafeEqual(digest(given), this.#token!)) {
      this.#failures.delete(knock.ip);
      return { setCookie: knock.token === undefined ? null : this.#cookie() };
    }
    this.#fail(knock.ip, now);
    throw new TaskglassError('TOKEN_REQUIRED', 'that token is not the right one');
  }

  #fail(ip: string, now: number): void {
    const failed = this.#failures.get(ip) ?? { count: 0, until: now + this.#limits.windowMs };
    this.#failures.delete(ip);
    this.#failures.set(ip, { count: failed.count + 1, until: failed.until });
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
  }

  #hasSession(cookies: string | undefined): boolean {
    if (cookies === undefined) return false;
    for (const cookie of cookies.split(';')) {
      const [name, value] = cookie.trim().split('=', 2);
      if (name === this.#cookieName && value !== undefined && timingSafeEqual(digest(value), digest(this.#session!)))
        return true;
    }
    return false;
  }

  #cookie(): string {
    return `${this.#cookieName}=${this.#session}; Path=${this.#cookiePath}; HttpOnly; SameSite=Strict`;
  }
}

/** Bound like this, only programs of the same machine reach the server. */
export function isLoopback(host: string): boolean {
  const name = normalHost(host);
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** The name in a Host header, without port and brackets; null when it is no such thing. */
function hostOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(header);
  return match === null ? null : normalHost(match[1]!);
}

function normalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/(?<=.)\.$/, '');
}

function bearer(header: string | undefined): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header ?? '');
  return match === null ? null : match[1]!;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
