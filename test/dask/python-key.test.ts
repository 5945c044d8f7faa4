import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { DaskValue } from '../../src/source/dask/comm/message.ts';
import { keySplit, keySplitGroup, keyText } from '../../src/source/dask/python-key.ts';
import { DASK_VERSIONS } from './cluster.ts';

const KEYS: readonly DaskValue[] = [
  'x',
  'x-1',
  'x-1-2-3',
  "('x-2', 1)",
  "('x', 1)",
  'hello-world-1',
  'ae05086432ca935f6eba409a8ecd4896',
  'inc-ae05086432ca935f6eba409a8ecd4896',
  '<module.submodule.myclass object at 0xdaf372',
  'x-abcdefab',
  'x-abcdefgh',
  '_(x)',
  '-',
  '-x',
  'a--b',
  '123-abc',
  'größe-1',
  '☃-1',
  'read_parquet-fused-assign-7',
  'a-b2-c',
  '()',
  '<>',
  'tab\tnewline\nnul\0back\\slash \u00a0\u200b\u{1f389}\ud7ff',
  ['x-abc', 0, 1],
  ["t'x", 1.5, -3],
  ['say "hi"', 'it\'s "both"', "it's"],
  [1, [2, ['n', 1e300]]],
  ['f', 0.1, 1e-7, 0.0001, 0.00001234, 123456.789, 1.5e22],
  ['one'],
  ['e', []],
  ['none', null, true, false],
  'x'.repeat(300),
  // Dask itself has refused these since 2024, but older schedulers have them.
  bytes('x-1'),
  bytes("it's \\ a\n\t\0 \x7f"),
  ['t', bytes('\xff')],
];

function bytes(latin1: string): Uint8Array {
  return new Uint8Array(Buffer.from(latin1, 'latin1'));
}

const SCRIPT = `
import json, sys
from dask.utils import key_split
from distributed.utils import key_split_group
def tuples(x):
    if isinstance(x, dict):
        return bytes.fromhex(x["bytes"])
    return tuple(map(tuples, x)) if isinstance(x, list) else x
out = []
for key in map(tuples, json.load(sys.stdin)):
    try:
        group = str(key_split_group(key))
    except Exception:
        group = None
    out.append([str(key), key_split(key), group])
json.dump(out, sys.stdout)
`;

function asHex(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('hex') } : value;
}

test.each(DASK_VERSIONS)('keys are printed and split as Python and Dask $version do it', ({ python }) => {
  const output = execFileSync(python, ['-c', SCRIPT], { input: JSON.stringify(KEYS, asHex), encoding: 'utf8' });
  const truth: [text: string, prefix: string, group: string | null][] = JSON.parse(output);
  expect(KEYS.map(keyText)).toEqual(truth.map(([text]) => text));
  expect(KEYS.map(keySplit)).toEqual(truth.map(([, prefix]) => prefix));
  expect(KEYS.map((key, i) => (truth[i]![2] === null ? null : keySplitGroup(key)))).toEqual(
    truth.map(([, , group]) => group),
  );
});
