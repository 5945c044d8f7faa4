import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { TaskglassError } from '../base/errors.ts';
import { TrustedProxies } from './access.ts';
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
  /** In small letters: the header in which a proxy says whom it has logged in. */
  readonly authHeader?: string | null;
  /** Whose headers are believed. Default: loopback's. */
  readonly proxies?: TrustedProxies;
  /** We speak HTTPS ourselves. */
  readonly https?: boolean;
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
  readonly who: Who;
}

/** Who somebody is, as far as they had to say. */
export interface Who {
  /** How they came in; `open`: nothing was asked. */
  readonly via: 'open' | 'token' | 'cookie' | 'header';
  /** What the proxy calls them. */
  readonly user: string | null;
  /** Which login the cookie is from. */
  readonly session: string | null;
  readonly address: string;
}

const LIMITS: GateLimits = { failures: 10, windowMs: 60_000 };
/** Addresses whose failures are remembered; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** No comma: Node joins a header that came twice with one, and then somebody else wrote a part of it. */
const USER = /^[^,\p{Cc}\p{Zl}\p{Zp}]{1,256}$/u;

export class Gate {
  readonly #hosts: ReadonlySet<string>;
  readonly #allowed: readonly string[];
  readonly #anyAddress: boolean;
  readonly #token: Buffer | null;
  /** Nobody guesses it, so that wrong guesses of others at an address need not keep the right one out. */
  readonly #strong: boolean;
  /**
   * A cookie is made with a key that lives as long as the process. So it says nothing about a token that is easy to
   * guess, and a wrong one (of an earlier process) need not count as a guess.
   */
  readonly #cookieKey = randomBytes(32);
  readonly #authHeader: string | null;
  readonly #proxies: TrustedProxies;
  readonly #https: boolean;
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
    this.#strong = options.token !== null && isStrong(options.token);
    this.#authHeader = options.authHeader ?? null;
    this.#proxies = options.proxies ?? new TrustedProxies([]);
    this.#https = options.https ?? false;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Where the server listens. Cookies do not tell ports apart, so their name does. */
  bind(port: number, prefix: string): void {
    this.#cookieName = `taskglass-${port}`;
    this.#cookiePath = prefix === '' ? '/' : prefix;
  }

  /** Throws HOST_REFUSED, ORIGIN_REFUSED, TOKEN_REQUIRED, LOGIN_REQUIRED or RATE_LIMITED. `now` in ms. */
  admit(knock: Knock, now = Date.now()): Admission {
    this.#checkHost(knock.headers.host);
    if (knock.upgrade || !SAFE_METHODS.has(knock.method)) this.#checkOrigin(knock.headers);
    const who: Who = {
      via: 'open',
      user: null,
      session: null,
      address: this.#proxies.clientOf(knock.ip, knock.headers['x-forwarded-for']),
    };
    if (knock.open) return { setCookie: null, who };
    const user = this.#userOf(knock);
    if (user !== null) return { setCookie: null, who: { ...who, via: 'header', user } };
    if (this.#token !== null) return this.#checkToken(knock, this.#token, who, now);
    if (this.#authHeader === null) return { setCookie: null, who };
    throw new TaskglassError('LOGIN_REQUIRED', `no trusted proxy said who this is in ${this.#authHeader}`);
  }

  /** Whom the proxy has logged in. What anybody else puts into that header says nothing. */
  #userOf({ headers, ip }: Knock): string | null {
    if (this.#authHeader === null) return null;
    const value = headers[this.#authHeader];
    if (value === undefined || value === '' || !this.#proxies.includes(ip)) return null;
    if (typeof value === 'string' && USER.test(value)) return value;
    throw new TaskglassError('LOGIN_REQUIRED', `the proxy sent no single plain name in ${this.#authHeader}`);
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
    // Over HTTPS, a page of the same name that came in plain text may be anybody's.
    if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && !this.#https))) {
      if (url.host === withoutDefaultPort(headers.host, url.protocol)) return;
      // Behind a proxy that rewrites Host, the browser's name for us is the allowed one.
      if (this.#isAllowed(normalHost(url.hostname))) return;
    }
    throw new TaskglassError('ORIGIN_REFUSED', `the request comes from ${printable(origin)}`);
  }

  #isAllowed(host: string): boolean {
    return this.#allowed.some((allowed) => host === allowed || (allowed.startsWith('.') && host.endsWith(allowed)));
  }

  #checkToken(knock: Knock, token: Buffer, who: Who, now: number): Admission {
    const session = this.#sessionOf(knock.headers.cookie);
    if (session !== null) return { setCookie: null, who: { ...who, via: 'cookie', session } };
    const given = knock.token ?? bearer(knock.headers.authorization);
    if (given === null) throw new TaskglassError('TOKEN_REQUIRED', 'the request carries no token');
    const from = networkOf(who.address);
    const failed = this.#failures.get(from);
    const right = timingSafeEqual(digest(given), token);
    if (failed !== undefined && now >= failed.until) this.#failures.delete(from);
    else if (failed !== undefined && failed.count >= this.#limits.failures && !(right && this.#strong)) {
      // Of a weak token the right guess is refused too: else it would be told from wrong ones.
      throw new TaskglassError('RATE_LIMITED', 'too many wrong tokens from this address');
    }
    if (right) {
      // Whoever guesses beside somebody who knows has no more tries for it.
      if (!this.#strong) this.#failures.delete(from);
      if (knock.token === undefined) return { setCookie: null, who: { ...who, via: 'token' } };
      const id = randomBytes(9).toString('base64url');
      return { setCookie: this.#cookie(id), who: { ...who, via: 'token', session: id } };
    }
    this.#fail(from, now);
    throw new TaskglassError('TOKEN_REQUIRED', 'that token is not the right one');
  }

  #fail(ip: string, now: number): void {
    const failed = this.#failures.get(ip) ?? { count: 0, until: now + this.#limits.windowMs };
    this.#failures.delete(ip);
    this.#failures.set(ip, { count: failed.count + 1, until: failed.until });
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
  }

  /** Which login a cookie of ours is from; null without one. */
  #sessionOf(cookies: string | undefined): string | null {
    if (cookies === undefined) return null;
    for (const cookie of cookies.split(';')) {
      const [name, value] = cookie.trim().split('=', 2);
      const match = name === this.#cookieName ? /^([\w-]{12})\.([\w-]{43})$/.exec(value ?? '') : null;
      if (match !== null && timingSafeEqual(digest(match[2]!), digest(this.#proof(match[1]!)))) return match[1]!;
    }
    return null;
  }

  #proof(session: string): string {
    return createHmac('sha256', this.#cookieKey).update(session).digest('base64url');
  }

  #cookie(session: string): string {
    const value = `${session}.${this.#proof(session)}`;
    const secure = this.#https ? '; Secure' : '';
    return `${this.#cookieName}=${value}; Path=${this.#cookiePath}; HttpOnly; SameSite=Strict${secure}`;
  }
}

/** Characters of a token that is not guessed however often it is tried, and how many of them differ: as random ones do. */
const STRONG = 32;
const DIFFERENT = 10;

/** As those that are made here, or by `openssl rand -hex 16`. */
function isStrong(token: string): boolean {
  return token.length >= STRONG && new Set(token).size >= DIFFERENT;
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

/** As `URL.host` writes it. */
function withoutDefaultPort(host: string | undefined, protocol: string): string | undefined {
  return host?.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '');
}

/** Who has one IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(8 - before.length - after.length, 0);
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':');
}

function bearer(header: string | undefined): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header ?? '');
  return match === null ? null : match[1]!;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
