/** `npm run types`: type-checks the four parts, each against the platform that it may use. */
import { runNode } from './lib/run.mjs';
import { warn } from './lib/say.mjs';

const PARTS = ['shared', 'node', 'view', 'test'];

for (const part of PARTS) {
  const status = await runNode('typescript/bin/tsc', ['-p', `tsconfig.${part}.json`, '--noEmit']);
  if (status === 0) continue;
  warn(`tsconfig.${part}.json has type errors.`);
  process.exitCode = 1;
}
