import { readFileSync } from 'node:fs';

/** The engine's version is the package's. Its file lies two folders up in `src` and in `dist` alike. */
export const ENGINE_VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
