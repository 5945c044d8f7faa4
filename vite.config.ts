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

export default defineConfig({
  root: VIEW,
  base: './',
  plugins: [solid(), comeFirst()],
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
