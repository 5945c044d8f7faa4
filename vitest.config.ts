import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * Two projects. `unit` lies beside the code and runs in parallel. `system` runs real schedulers, engines and browsers, one
 * file at a time: they would take the cores from one another.
 */
export default defineConfig({
  test: {
    environment: 'node',
    // What the tests record goes to no user's folder.
    env: { TASKGLASS_RECORD_DIR: path.join(tmpdir(), 'taskglass-test-recordings') },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.{ts,tsx}', 'test/*.test.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/*/**/*.test.ts'],
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
