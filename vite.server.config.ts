import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, defineConfig, type Plugin } from 'vite';

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

/** The thread that seals recordings: a file of its own beside the server, with a name that says without a package.json what it is. */
function sealBeside(): Plugin {
  const name = 'seal-main.mjs';
  return {
    name: 'taskglass-seal-beside',
    transform(code, id) {
      if (id !== inRoot('src/recording/sealing/sealing.ts')) return undefined;
      return { code: code.replace('./seal-main.js', `./${name}`), map: null };
    },
    async generateBundle() {
      const result = await build({
        configFile: false,
        logLevel: 'warn',
        root: inRoot('.'),
        ssr: { noExternal: true, target: 'node' },
        build: {
          write: false,
          ssr: inRoot('src/recording/sealing/seal-main.ts'),
          target: 'node20',
          minify: false,
          rolldownOptions: { output: { codeSplitting: false } },
        },
      });
      const [output] = 'output' in result ? result.output : [];
      if (output === undefined) throw new Error('src/recording/sealing/seal-main.ts gives no script');
      this.emitFile({ type: 'asset', fileName: name, source: output.code });
    },
  };
}

/** The main server for Dask as one file that needs nothing but Node: what the Python package carries. */
export default defineConfig({
  root: inRoot('.'),
  plugins: [versionAsText(), sealBeside()],
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
