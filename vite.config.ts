import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import solid from 'vite-plugin-solid';

/** The rest of the page is fetched beside its first script, not after it. */
function preloadApp(): Plugin {
  return {
    name: 'taskglass-preload-app',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const html = bundle['index.html'];
        const app = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'app');
        if (html?.type !== 'asset' || app === undefined)
          throw new Error('index.html or the chunk of app.tsx is missing');
        const link = `<link rel="modulepreload" crossorigin href="./${app.fileName}">`;
        html.source = String(html.source).replace('</head>', `  ${link}\n  </head>`);
      },
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('src/view', import.meta.url)),
  base: './',
  plugins: [solid(), preloadApp()],
  build: {
    outDir: fileURLToPath(new URL('dist/page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The first script has no style of its own to wait for.
    cssCodeSplit: false,
    // The content security policy of the page forbids data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 250,
  },
});
