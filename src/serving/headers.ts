import { ERROR_STYLE_SOURCE } from './error-page.ts';

/** What a page of ours may load and do: its own files and its own server, nothing else. */
const CSP_DIRECTIVES: Readonly<Record<string, string[]>> = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", ERROR_STYLE_SOURCE],
  'img-src': ["'self'"],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'worker-src': ["'self'"],
  'manifest-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  // A page in somebody else's frame can be made to be clicked by people who see something else.
  'frame-ancestors': ["'none'"],
};

/** The same, but these sites may show our pages in a frame. */
export function cspDirectives(frameAncestors: readonly string[]): Record<string, string[]> {
  return { ...CSP_DIRECTIVES, ...(frameAncestors.length > 0 && { 'frame-ancestors': [...frameAncestors] }) };
}

/** The headers of every answer of a server that has no framework to add them. The main server's helmet sends the same. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': Object.entries(CSP_DIRECTIVES)
    .map(([directive, sources]) => [directive, ...sources].join(' '))
    .join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-frame-options': 'DENY',
};
