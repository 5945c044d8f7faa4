import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zopfli from '@gfx/zopfli';
import { build, defineConfig, type Plugin } from 'vite';
import solid from 'vite-plugin-solid';
import { encodeWide } from './src/base/wide-text.ts';

const TARGET = 'es2022';
const VIEW = fileURLToPath(new URL('src/view', import.meta.url));

/**
 * What the first draw waits for comes first: `early.ts` as a plain script that no style or module holds up, and the rest of the
 * page beside its first module, not after it.
 */
function comeFirst(): Plugin {
  return {
    name: 'taskglass-come-first',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const html = bundle['index.html'];
        const app = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'app');
        if (html?.type !== 'asset' || app === undefined)
          throw new Error('index.html or the chunk of app.tsx is missing');
        const early = this.emitFile({
          type: 'asset',
          name: 'early.js',
          source: await plainScript('early.ts', 'taskglassEarly'),
        });
        const script = `<script src="./${this.getFileName(early)}"></script>`;
        // What the app shares with the debug page lies in chunks of its own.
        const chunks = app.type === 'chunk' ? [app.fileName, ...app.imports] : [];
        const links = chunks
          .filter((file) => !String(html.source).includes(file))
          .map((file) => `  <link rel="modulepreload" crossorigin href="./${file}">\n  `);
        html.source = String(html.source)
          .replace('<title>', `${script}\n    <title>`)
          .replace('</head>', `${links.join('')}</head>`);
      },
    },
  };
}

/** One file of the page as a script that needs no other; `name` is of what it has for others. */
async function plainScript(file: string, name: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: VIEW,
    build: { write: false, target: TARGET, lib: { entry: file, formats: ['iife'], name } },
  });
  const [output] = Array.isArray(result) ? result : [];
  const chunk = output?.output[0];
  if (chunk === undefined) throw new Error(`${file} gives no script`);
  if (/<!--|<\/script/i.test(chunk.code)) throw new Error(`${file} cannot stand inside a document`);
  return chunk.code;
}

/**
 * The page once more as one file without data, `report.html`, into which exports put theirs: no address in it leads anywhere, its
 * scripts and styles are named by their hashes, and nothing else may run. Styles and the page's own script are parts, as data are; a
 * short script takes them out. An export writes all of it in UTF-16.
 */
function reportPage(): Plugin {
  return {
    name: 'taskglass-report-page',
    async generateBundle() {
      const [{ script, style }, loader] = await Promise.all([
        reportParts(),
        plainScript('report/loader.ts', 'taskglassLoader'),
      ]);
      const icon = readFileSync(`${VIEW}/icon.svg`).toString('base64');
      const policy = [
        "default-src 'none'",
        `script-src '${hashOf(loader)}' '${hashOf(script)}'`,
        `style-src '${hashOf(style)}'`,
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ');
      const source = [
        '<!doctype html>',
        '<html lang="en">',
        '<head>',
        // For one that was saved anew by somebody's editor: the mark of UTF-16 comes before this.
        '<meta charset="utf-8">',
        `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<title>Taskglass</title>',
        `<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,${icon}">`,
        '</head>',
        '<body>',
        '<div id="app"></div>',
        '<noscript>This report draws in the browser and needs JavaScript. It asks nothing of any network.</noscript>',
        await part('style', style),
        await part('script', script),
        '<!--taskglass-parts-->',
        `<script>${loader}</script>`,
        '</body>',
        '</html>',
        '',
      ].join('\n');
      this.emitFile({ type: 'asset', fileName: 'report.html', source });
    },
  };
}

/** What needs a server: a file has none of it. */
const NOT_IN_A_FILE: Readonly<Record<string, string>> = {
  'actions/act-buttons.tsx': 'ActButtons',
  'export/export-menu.tsx': 'ExportMenu',
  'pages/cluster-switch.tsx': 'ClusterSwitch',
  'pages/history.tsx': 'HistoryPage',
  'pages/recording-note.tsx': 'RecordingNote',
  'pages/welcome.tsx': 'Welcome',
  'playhead/playhead-bar.tsx': 'PlayheadBar',
};

/** What to do about errors of servers, which no page says. */
const ADVICE = /(?<=advice:\s*)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;

/** An entry of the table of errors. */
const ERROR = /^ {2}([A-Z_]+): \{\n(?: {4}.*\n)+ {2}\},\n/gm;

/** All that may be the code of an error in what a page is made of. */
function codesInPages(): Set<string> {
  const codes = new Set<string>();
  for (const room of ['base', 'model', 'store', 'view', 'wire']) {
    const folder = join(VIEW, '..', room);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/(?<!\.test)\.tsx?$/.test(file) || file === 'errors.ts') continue;
      for (const [, code = ''] of readFileSync(join(folder, file), 'utf8').matchAll(/'([A-Z_]+)'/g)) codes.add(code);
    }
  }
  return codes;
}

/** Leaves these components and texts out, so that the file stays small. */
function withoutServer(): Plugin {
  const left = new Set(Object.keys(NOT_IN_A_FILE));
  return {
    name: 'taskglass-without-server',
    enforce: 'pre',
    load(id) {
      const file = relative(VIEW, id);
      const name = NOT_IN_A_FILE[file];
      left.delete(file);
      return name === undefined ? undefined : `export const ${name} = () => null;`;
    },
    transform(code, id) {
      if (relative(VIEW, id) !== '../base/errors.ts') return undefined;
      const codes = codesInPages();
      return code.replaceAll(ADVICE, "''").replaceAll(ERROR, (entry, name: string) => (codes.has(name) ? entry : ''));
    },
    buildEnd(error) {
      if (error === undefined && left.size > 0) throw new Error(`the page has no ${[...left].join(', ')} any more`);
    },
  };
}

/** Script and styles of the report's page. */
async function reportParts(): Promise<{ readonly script: string; readonly style: string }> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: VIEW,
    plugins: [withoutServer(), solid()],
    build: {
      write: false,
      target: TARGET,
      cssCodeSplit: false,
      lib: { entry: 'report/report.tsx', formats: ['iife'], name: 'taskglassReport' },
    },
  });
  const [output] = Array.isArray(result) ? result : [];
  let script = '';
  let style = '';
  for (const file of output?.output ?? []) {
    if (file.type === 'chunk') script += file.code;
    else if (file.fileName.endsWith('.css')) style += String(file.source);
  }
  if (script === '' || style === '') throw new Error('the page of reports has no script or no style');
  return { script, style };
}

const deflate = promisify<Uint8Array, object, Uint8Array>(zopfli.deflate);

/** A text of the page as a part of a report: made once, carried by every report, so as small as any browser still reads it. */
async function part(kind: string, text: string): Promise<string> {
  const wide = Buffer.from(encodeWide(await deflate(Buffer.from(text), {})).buffer).toString('utf16le');
  return `<script type="text/plain" data-part="${kind}">${wide}</script>`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

export default defineConfig({
  root: VIEW,
  base: './',
  plugins: [solid(), comeFirst(), reportPage()],
  build: {
    outDir: fileURLToPath(new URL('dist/page', import.meta.url)),
    emptyOutDir: true,
    target: TARGET,
    // The first script has no style of its own to wait for.
    cssCodeSplit: false,
    // The content security policy of the page forbids data: addresses.
    assetsInlineLimit: 0,
    // The licences of what is in it ask to be passed on with it.
    license: { fileName: 'licenses.txt' },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 250,
  },
});
