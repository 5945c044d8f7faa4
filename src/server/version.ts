import { readFileSync } from 'node:fs';

/** This package's version; the file lies two folders up in `src` and in `dist` alike. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
