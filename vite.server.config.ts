import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const inRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The bundle lies nowhere near package.json, so it carries its version as text. */
function versionAsText(): Plugin {
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as { version: string };
  return {
    name: 'taskglass-version-as-text',
    load(id) {
      if (id !== inRoot('src/engine/version.ts')) return undefined;
      return `export const ENGINE_VERSION = ${JSON.stringify(version)};`;
    },
  };
}

/** The main server for Dask as one file that needs nothing but Node: what the Python package carries. */
export default defineConfig({
  root: inRoot('.'),
  plugins: [versionAsText()],
  resolve: {
    // Its entry for Node looks for a compiled addon first, which one file cannot carry.
    alias: [{ find: /^msgpackr$/, replacement: inRoot('node_modules/msgpackr/index.js') }],
  },
  ssr: { noExternal: true, target: 'node' },
  build: {
    ssr: inRoot('src/preloaded.ts'),
    outDir: inRoot('dist/web'),
    emptyOutDir: true,
    copyPublicDir: false,
    target: 'node20',
    // Whoever reports a stack should see names.
    minify: false,
    // The licences of what is in it ask to be passed on with it.
    license: { fileName: 'licenses.md' },
    rolldownOptions: { output: { entryFileNames: 'server.mjs', codeSplitting: false } },
  },
});
