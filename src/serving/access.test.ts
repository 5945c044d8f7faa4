import { describe, expect, test } from 'vitest';
import { readAccess, TrustedProxies } from './access.ts';

const INVALID = expect.objectContaining({ code: 'OPTION_INVALID' });

describe('sites that may show the pages in a frame', () => {
  const of = (...frameAncestors: string[]) => readAccess({ frameAncestors }).frameAncestors;
  test('are named as a policy names them, in one option or in several', () => {
    expect(of()).toEqual([]);
    expect(of('self')).toEqual(["'self'"]);
    expect(of("'self' https://Hub.example:8000", 'http://*.lab.example')).toEqual([
      "'self'",
      'https://hub.example:8000',
      'http://*.lab.example',
    ]);
  });
  test.each([
    '*',
    'https://*',
    'https://a.example/path',
    'https://a.example;script-src *',
    'javascript:alert(1)',
    "'none'",
    'https://a.example,https://b.example',
    "https://a.example\r\nx: 'y'",
    'data:',
  ])('%s is refused', (source) => {
    expect(() => of(source)).toThrow(INVALID);
  });
});

test.each(['Cookie', 'Host', 'Authorization', 'x-forwarded-for', 'sec-fetch-user', 'a b', 'x\r\ny', ''])(
  'no login is read from the header "%s"',
  (authHeader) => {
    expect(() => readAccess({ authHeader })).toThrow(INVALID);
  },
);

test.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '::1/129', '10.0.0', ''])(
  '%s is no address of a proxy',
  (address) => {
    expect(() => new TrustedProxies([address])).toThrow(INVALID);
  },
);

test('a key for HTTPS needs a certificate', () => {
  expect(() => readAccess({ httpsKey: 'key.pem' })).toThrow(INVALID);
});
