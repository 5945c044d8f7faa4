import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TaskglassError } from '../../../base/errors.ts';
import { parseAddress } from './address.ts';

describe('parseAddress', () => {
  it.each([
    ['tcp://127.0.0.1:8786', 'tcp', '127.0.0.1', 8786, 'tcp://127.0.0.1:8786'],
    ['localhost:8786', 'tcp', 'localhost', 8786, 'tcp://localhost:8786'],
    ['  TCP://host-1.example:1/ ', 'tcp', 'host-1.example', 1, 'tcp://host-1.example:1'],
    ['tls://[::1]:65535', 'tls', '::1', 65535, 'tls://[::1]:65535'],
    ['[fe80::1]:8786', 'tcp', 'fe80::1', 8786, 'tcp://[fe80::1]:8786'],
  ])('%s', (text, scheme, host, port, canonical) => {
    expect(parseAddress(text)).toEqual({ scheme, host, port, text: canonical });
  });

  it.each([
    '',
    'tcp://',
    'tcp://host',
    'host:',
    ':8786',
    'host:0',
    'host:65536',
    'host:8786:1',
    '::1:8786',
    '[nonsense]:1',
    '[]:1',
    'a b:1',
    'host:12x',
    'tcp://host:1/path',
    'user@host:1',
    'nonsense://host:1',
    'tcp:/host:1',
  ])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  });

  it.each(['http://127.0.0.1:8787', 'https://x:1/status', 'ucx://host:1', 'inproc://10.0.0.1/1/1', 'ws://h:1'])(
    'does not know %s',
    (text) => {
      expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'SCHEME_UNSUPPORTED' }));
    },
  );

  it('fails with a code, or gives what reads the same again', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.tuple(fc.domain(), fc.nat(70_000)).map(([h, p]) => `${h}:${p}`),
        ),
        (text) => {
          try {
            const address = parseAddress(text);
            expect(parseAddress(address.text)).toEqual(address);
          } catch (error) {
            expect(error).toBeInstanceOf(TaskglassError);
          }
        },
      ),
    );
  });
});
