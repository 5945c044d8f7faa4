import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { headingId } from '../scripts/lib/markdown.mjs';
import { HELP_SECTIONS } from '../src/base/help.ts';
import { filesUnder, ROOT, readProjectFile } from './support/project-files.ts';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesUnder('docs').filter((file) => file.endsWith('.md')),
];
const FOLDERS = ['src', 'test', 'scripts', 'bench', 'docs', 'examples', 'agent'];
const manifest = JSON.parse(readProjectFile('package.json')) as { scripts: Record<string, string> };

/** Paths in backticks or code that lie in this checkout, and the targets of links. */
function pathsIn(page: string): string[] {
  const text = readProjectFile(page);
  const named = [...text.matchAll(/(?<![\w/.:-])((?:\.?[\w-]+\/)+[\w.*-]*|[\w-]+\.(?:md|json|ts|mjs))(?![\w/])/g)]
    .map(([, found = '']) => found)
    .filter((found) => FOLDERS.includes(found.split('/')[0] ?? '') && !found.includes('*'));
  const linked = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)|<img src="([^"]+)"/g)]
    .map(([, link, image]) => link ?? image ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => path.posix.join(path.posix.dirname(page), link));
  return [...named, ...linked];
}

describe.each(PAGES)('%s', (page) => {
  test('names only files and folders that exist', () => {
    expect(pathsIn(page).filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  });

  test('names only scripts that package.json has', () => {
    const scripts = [...readProjectFile(page).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  test('names only options of the command that it has', () => {
    const commands = [...readProjectFile(page).matchAll(/(?:\btaskglass|\bnpm start --|cli\.js)((?: [^`\n|#]*)?)/g)];
    const options = commands.flatMap(([, rest = '']) => rest.match(/(?<=\s)--[a-z][a-z-]+/g) ?? []);
    const cli = [...filesUnder('src'), ...filesUnder('agent/src/taskglass')]
      .filter((file) => /^src\/cli(\.ts|\/)|\/(cli|options)\.py$/.test(file))
      .map(readProjectFile)
      .join('\n');
    expect(options.filter((option) => !cli.includes(option))).toEqual([]);
  });
});

test('ARCHITECTURE.md names every folder of src, and nothing else as one', () => {
  const folders = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const named = [...readProjectFile('ARCHITECTURE.md').matchAll(/^\| `src\/(\w+)` \|/gm)].map(([, folder]) => folder);
  expect(named.sort()).toEqual(folders.map((folder) => folder.name).sort());
});

test('README.md is at most 300 lines and shows the last results of every bench that was run', () => {
  const readme = readProjectFile('README.md');
  expect(readme.split('\n').length).toBeLessThanOrEqual(301);
  const benches = filesUnder('bench').filter((file) => /^bench\/[\w-]+\.ts$/.test(file));
  for (const bench of benches) {
    const result = `bench/results/${path.basename(bench, '.ts')}.json`;
    if (!existsSync(path.join(ROOT, result))) continue;
    const { rows } = JSON.parse(readProjectFile(result)) as { rows: readonly (readonly string[])[] };
    for (const row of rows) expect(readme).toContain(`| ${row.join(' | ')} |`);
  }
});

test('docs/troubleshooting.md has every part that errors and pages lead to', () => {
  const headings = [...readProjectFile('docs/troubleshooting.md').matchAll(/^#+ (.+)$/gm)];
  const ids = headings.map(([, title = '']) => headingId(title));
  expect(HELP_SECTIONS.filter((section) => !ids.includes(section))).toEqual([]);
});

test('docs/dask-package.md lists every option of the Python package', () => {
  const page = readProjectFile('docs/dask-package.md');
  const options = readProjectFile('agent/src/taskglass/options.py');
  const dataclass = options.slice(options.indexOf('class Options'), options.indexOf('@property'));
  const fields = [...dataclass.matchAll(/^ {4}(\w+): [^=\n]+ = /gm)].map(([, field = '']) => field);
  const keys = fields.flatMap((field) =>
    field === 'debug_port' ? ['scheduler_debug_port', 'worker_debug_port'] : [field],
  );
  expect(keys.length).toBeGreaterThan(8);
  const rows = keys.map(
    (key) => `| \`taskglass.${key.replaceAll('_', '-')}\` | \`DASK_TASKGLASS__${key.toUpperCase()}\` |`,
  );
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  const given = [...options.matchAll(/"(--[\w-]+)"/g)].map(([, option]) => option);
  expect(given.filter((option) => !page.includes(`\`${option}\``))).toEqual([]);
});
