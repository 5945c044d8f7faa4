import { fileURLToPath } from 'node:url';

/**
 * The file that a process or thread begins with or loads tasks from, beside this one. Node 20 cannot load TypeScript, so where this
 * file itself runs as TypeScript (under Vitest) the built file in `dist/engine` is taken: build first.
 */
export function entryPoint(name: 'worker-main' | 'thread-main' | 'example-tasks'): string {
  return built(`engine/${name}.js`).href;
}

/** The program that serves the main pages, in a process of its own. The engine starts it and imports nothing of it. */
export function pagesProgram(): URL {
  return built('server/pages-main.js');
}

/** The built page, which the debug servers of this process serve. */
export function pageFolder(): string {
  return fileURLToPath(built('page'));
}

function built(path: string): URL {
  const self = import.meta.url;
  return new URL(self.endsWith('.ts') ? `../../dist/${path}` : `../${path}`, self);
}
