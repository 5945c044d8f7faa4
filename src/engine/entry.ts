/**
 * The file that a process or thread begins with or loads tasks from, beside this one. Node 20 cannot load TypeScript, so where this
 * file itself runs as TypeScript (under Vitest) the built file in `dist/engine` is taken: build first.
 */
export function entryPoint(name: 'worker-main' | 'thread-main' | 'example-tasks'): string {
  const self = import.meta.url;
  const url = self.endsWith('.ts') ? new URL(`../../dist/engine/${name}.js`, self) : new URL(`./${name}.js`, self);
  return url.href;
}
