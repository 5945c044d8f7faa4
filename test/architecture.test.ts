import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ModuleFacts, moduleFacts } from './support/module-facts.ts';
import { filesUnder, readProjectFile } from './support/project-files.ts';

/**
 * Who may import whom. Every form of import counts, type-only ones too. To do something that this table forbids: move the
 * shared piece down (to `base` when it never heard of tasks, to `model` when it is vocabulary), or hand it in from
 * `src/server`, which puts the concrete parts together. Changing the table is a decision: docs/adr/.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  store: ['base', 'model'],
  wire: ['base', 'model'],
  serving: ['base', 'model'],
  engine: ['base', 'model', 'serving'],
  recording: ['base', 'model'],
  source: ['base', 'model'],
  server: ['base', 'model', 'store', 'wire', 'serving', 'engine', 'source', 'recording'],
  view: ['base', 'model', 'store', 'wire'],
  cli: ['base', 'server'],
  preloaded: ['base', 'server'],
};

/** Single files that may import one room more. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'src/source/embedded.ts': ['engine'],
  'src/source/recording.ts': ['recording'],
};

/** Rooms that run anywhere: no packages, nothing of Node's. */
const MIDDLE = ['base', 'model', 'store', 'wire'];

const LINE_LIMIT = 500;
const DEPTH_LIMIT = 3;
const FOLDER_LIMIT = 20;

const isTest = (file: string): boolean => /\.(test|fixture)\.tsx?$/.test(file);
const isModule = (file: string): boolean => /\.tsx?$/.test(file) && !file.endsWith('.d.ts');
/** `src/view/panels/x.tsx` is in room `view`; `src/cli.ts` is a room of its own. */
const roomOf = (file: string): string => (file.split('/')[1] ?? '').replace(/\.tsx?$/, '');

const sources = filesUnder('src').filter(isModule);
const written = sources.filter((file) => !isTest(file));
const facts = new Map<string, ModuleFacts>(sources.map((file) => [file, moduleFacts(file, readProjectFile(file))]));

/** Problems of one file's imports, each with what to do. */
function importProblems(file: string, { imports, blindImports }: ModuleFacts): string[] {
  const room = roomOf(file);
  const allowed = [room, ...(MAY_IMPORT[room] ?? []), ...(EXCEPTIONS[file] ?? [])];
  const problems: string[] = [];
  for (const target of imports) {
    if (!target.startsWith('.')) {
      if (MIDDLE.includes(room))
        problems.push(`${file} imports "${target}": ${room} runs anywhere, so it imports no package`);
      if (room === 'view' && target.startsWith('node:'))
        problems.push(`${file} imports "${target}": a page has no Node`);
      continue;
    }
    const resolved = path.posix.join(path.posix.dirname(file), target);
    if (resolved === 'package.json' || resolved.startsWith('agent/')) continue;
    const other = roomOf(resolved);
    if (resolved.startsWith('src/') && allowed.includes(other)) continue;
    problems.push(
      `${file} imports ${resolved}: ${room} may import ${allowed.slice(1).join(', ') || 'nothing'}. ` +
        'Move the shared piece down to base or model, or hand it in from src/server.',
    );
  }
  // The engine loads its users' modules by address; nobody else has a reason.
  if (room !== 'engine') {
    for (const line of blindImports)
      problems.push(`${file}:${line} imports what no test can check: write the path out`);
  }
  return problems;
}

/** Lines in `files` that use `name`, as `file:line`. */
function usersOf(name: string, files: readonly string[]): string[] {
  return files.flatMap((file) => (facts.get(file)?.uses.get(name) ?? []).map((line) => `${file}:${line}`));
}

describe('the import rules', () => {
  test('every folder of src is in the table', () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  test('every import keeps to the table', () => {
    expect(written.flatMap((file) => importProblems(file, facts.get(file)!))).toEqual([]);
  });

  test('the exceptions are used', () => {
    expect(Object.keys(EXCEPTIONS).filter((file) => !sources.includes(file))).toEqual([]);
  });

  test.each([
    ['a value', `import { A } from '../server/a.ts';`],
    ['a type', `import type { A } from '../server/a.ts';`],
    ['a side effect', `import '../server/a.ts';`],
    ['a re-export', `export * from '../server/a.ts';`],
    ['a named re-export', `export { A } from '../server/a.ts';`],
    ['an import()', `const a = await import('../server/a.ts');`],
    ['the type of an import()', `let a: import('../server/a.ts').A;`],
    ['an entry by URL', `start(new URL('../server/a.ts', import.meta.url));`],
  ])('%s from a forbidden room is seen', (_form, text) => {
    const problems = importProblems('src/view/a.ts', moduleFacts('src/view/a.ts', text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('src/server/a.ts: view may import base, model, store, wire');
  });

  test('packages in the middle, Node in the page and blind imports are seen', () => {
    const problemsOf = (file: string, text: string): string[] => importProblems(file, moduleFacts(file, text));
    expect(problemsOf('src/store/a.ts', `import { b } from 'b';`)).toHaveLength(1);
    expect(problemsOf('src/view/a.ts', `import fs from 'node:fs';`)).toHaveLength(1);
    expect(problemsOf('src/server/a.ts', `await import(somewhere);`)).toHaveLength(1);
    expect(problemsOf('src/source/recording.ts', `import { A } from '../engine/a.ts';`)).toHaveLength(1);
    expect(problemsOf('src/source/embedded.ts', `import { A } from '../engine/a.ts';`)).toEqual([]);
  });
});

describe('the shape of src', () => {
  test(`no file has more than ${LINE_LIMIT} lines: split it by subject`, () => {
    const python = filesUnder('agent/src').filter((file) => file.endsWith('.py'));
    const files = [...sources, ...filesUnder('test').filter(isModule), ...python];
    expect(files.filter((file) => readProjectFile(file).split('\n').length > LINE_LIMIT + 1)).toEqual([]);
  });

  test(`no folder lies deeper than ${DEPTH_LIMIT} under src: widen instead`, () => {
    expect(filesUnder('src').filter((file) => file.split('/').length - 2 > DEPTH_LIMIT)).toEqual([]);
  });

  test(`no folder of src holds more than ${FOLDER_LIMIT} modules, tests aside: give a subject a folder of its own`, () => {
    const folders = written.map((file) => path.dirname(file));
    const modulesIn = (folder: string): number => folders.filter((other) => other === folder).length;
    expect([...new Set(folders)].filter((folder) => modulesIn(folder) > FOLDER_LIMIT)).toEqual([]);
  });

  test('exports have names', () => {
    const files = sources.flatMap((file) => facts.get(file)!.defaultExports.map((line) => `${file}:${line}`));
    expect(files).toEqual([]);
  });

  test('files are named in kebab-case', () => {
    expect(filesUnder('src').filter((file) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(path.basename(file)))).toEqual([]);
  });
});

describe('the habits', () => {
  test('only the command prints: everything else logs through pino or throws', () => {
    expect(
      usersOf(
        'console',
        written.filter((file) => roomOf(file) !== 'cli'),
      ),
    ).toEqual([]);
  });

  test('the page has one frame loop: subscribe to src/view/frame-loop.ts', () => {
    const others = written.filter((file) => file !== 'src/view/frame-loop.ts');
    expect(usersOf('requestAnimationFrame', others)).toEqual([]);
  });

  test('data is shown in the time of the scheduler, never of the wall', () => {
    // These two ask how long ago the link was heard and whether the page has just been reloaded.
    const aboutItself = ['src/view/connection.ts', 'src/view/main.ts'];
    const rooms = ['base', 'model', 'store', 'wire', 'view'];
    const files = written.filter((file) => rooms.includes(roomOf(file)) && !aboutItself.includes(file));
    expect(usersOf('Date.now', files)).toEqual([]);
  });

  test.each(['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write', 'eval', 'Function'])(
    'the page never makes markup or code out of text (%s)',
    (name) => {
      const inView = written.filter((file) => roomOf(file) === 'view');
      const names = name === 'write' ? ['document.write'] : [name];
      expect(names.flatMap((one) => usersOf(one, inView))).toEqual([]);
    },
  );

  test('nothing is left for later, and nothing names a machine of ours', () => {
    const forbidden = new RegExp(
      `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b|["'\`\\s(=]/(home|Users|work|root)/`,
    );
    const folders = ['src', 'test', 'scripts', 'bench', 'docs', 'examples', 'agent'].flatMap(filesUnder);
    const texts = [...folders, 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'package.json']
      .filter((file) => /\.(tsx?|mjs|py|md|json|css|html|toml|txt)$/.test(file))
      .filter((file) => file !== 'test/architecture.test.ts');
    const found = texts.flatMap((file) =>
      readProjectFile(file)
        .split('\n')
        .flatMap((line, index) => (forbidden.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});
