import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, defineConfig, type Plugin } from 'vite';
import solid from 'vite-plugin-solid';

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
        const early = this.emitFile({ type: 'asset', name: 'early.js', source: await plainScript('early.ts') });
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

/** One file of the page as a script that needs no other. */
async function plainScript(file: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: VIEW,
    build: { write: false, target: TARGET, lib: { entry: file, formats: ['iife'], name: 'taskglassEarly' } },
  });
  const [output] = Array.isArray(result) ? result : [];
  const chunk = output?.output[0];
  if (chunk === undefined) throw new Error(`${file} gives no script`);
  return chunk.code;
}

/**
 * The page once more as one file without data, `report.html`, into which exports put theirs: no address in it leads anywhere, its one
 * script and its styles are named by their hashes, and nothing else may run.
 */
function reportPage(): Plugin {
  return {
    name: 'taskglass-report-page',
    async generateBundle() {
      const { script, style } = await reportParts();
      const icon = readFileSync(`${VIEW}/icon.svg`).toString('base64');
      const policy = [
        "default-src 'none'",
        `script-src '${hashOf(script)}'`,
        `style-src '${hashOf(style)}'`,
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ');
      const source = [
        '<!doctype html>',
        '<html lang="en">',
        '<head>',
        '<meta charset="utf-8">',
        `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<title>Taskglass</title>',
        `<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,${icon}">`,
        `<style>${style}</style>`,
        '</head>',
        '<body>',
        '<div id="app"></div>',
        '<noscript>This report draws in the browser and needs JavaScript. It asks nothing of any network.</noscript>',
        '<!--taskglass-parts-->',
        `<script>${script}</script>`,
        '</body>',
        '</html>',
        '',
      ].join('\n');
      this.emitFile({ type: 'asset', fileName: 'report.html', source });
    },
  };
}

/** Script and styles of the report's page, fit to stand inside a document. */
async function reportParts(): Promise<{ readonly script: string; readonly style: string }> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: VIEW,
    plugins: [solid()],
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
  // Both end where the first closing tag stands, wherever that is; a comment's beginning would have the rest read otherwise.
  script = script.replaceAll(/<\/(?=script)/gi, '<\\/');
  if (/<!--|<\/style/i.test(script + style)) throw new Error('the page of reports cannot stand inside a document');
  return { script, style };
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
