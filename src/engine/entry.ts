/**
 * The file of a process or thread entry point, beside this one. Node 20 cannot load TypeScript, so where this
 * file itself runs as TypeScript (under Vitest) the built file in `dist/engine` is taken: build first.
 */
export function entryPoint(name: 'worker-main' | 'thread-main'): string {
  const self = import.meta.url;
  const url = self.endsWith('.ts') ? new URL(`../../dist/engine/${name}.js`, self) : new URL(`./${name}.js`, self);
  return url.href;
}
