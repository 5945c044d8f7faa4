import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/project-files.ts';

/** Checks that are taken out of a copy of the sources: what the fuzzer must notice. */
interface Planted {
  readonly bug: string;
  readonly target: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly why: RegExp;
}

export const PLANTED: readonly Planted[] = [
  {
    bug: 'a message may name a frame that is not there',
    target: 'frames',
    file: 'src/source/dask/comm/message.ts',
    from: "if (typeof at !== 'number' || frame === undefined || taken.has(at))",
    to: "if (typeof at !== 'number' || frame === undefined && taken.has(at))",
    why: /not declared: TypeError/,
  },
  {
    bug: 'an LZ4 block is believed how long it will be',
    target: 'objects',
    file: 'src/source/dask/comm/decompress.ts',
    from: 'plausible(size, frame, 255, maxBytes);',
    to: 'tooLarge(size, maxBytes);',
    why: /MiB of memory/,
  },
  {
    bug: 'a list of the agent is believed to be one',
    target: 'agent',
    file: 'src/source/dask/columns.ts',
    from: 'if (!Array.isArray(value) || (length !== undefined && value.length !== length))',
    to: 'if (length !== undefined && (value as Value[]).length !== length)',
    why: /not declared: TypeError/,
  },
  {
    bug: 'a message on the wire may end before its length',
    target: 'page',
    file: 'src/wire/decode.ts',
    from: 'if (bytes.length < PREAMBLE || bytes[0]',
    to: 'if (bytes[0]',
    why: /not declared: RangeError/,
  },
  {
    bug: 'a page may send anything where an object is expected',
    target: 'pages',
    file: 'src/wire/client-message.ts',
    from: "if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(",
    to: "if (typeof value === 'string') throw bad(",
    why: /not declared: TypeError/,
  },
];

/** The folder of a copy of the sources with all bugs in it. Within the checkout, for packages to be found. */
export function plant(): string {
  const folder = path.join(ROOT, '.cache', `planted-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of [
    'src/base',
    'src/model',
    'src/store',
    'src/wire',
    'src/source',
    'src/server/routes',
    'test/fuzz',
  ]) {
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  }
  for (const { bug, file, from, to } of PLANTED) {
    const at = path.join(folder, file);
    const text = readFileSync(at, 'utf8');
    if (!text.includes(from)) throw new Error(`nowhere to plant: ${bug}`);
    writeFileSync(at, text.replace(from, to));
  }
  return folder;
}
