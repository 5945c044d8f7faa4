import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import solid from 'vite-plugin-solid';

/**
 * Pages answer with and without a trailing slash, and under any prefix, a proxy's too, so every address in the page is
 * relative. Relative to /status/ the assets lie one folder up: that document is written beside the plain one.
 */
function slashDocument(): Plugin {
  return {
    name: 'taskglass-slash-document',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const plain = bundle['index.html'];
        if (plain?.type !== 'asset') throw new Error('index.html is missing from the bundle');
        const source = String(plain.source).replaceAll('"./', '"../');
        this.emitFile({ type: 'asset', fileName: 'index-slash.html', source });
      },
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('src/view', import.meta.url)),
  base: './',
  plugins: [solid(), slashDocument()],
  build: {
    outDir: fileURLToPath(new URL('dist/page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy of the page forbids data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 250,
  },
});
