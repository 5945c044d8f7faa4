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
    // What the tests record goes to no user's folder, nor does the key of their indices.
    env: {
      TASKGLASS_RECORD_DIR: path.join(tmpdir(), 'taskglass-test-recordings'),
      XDG_DATA_HOME: path.join(tmpdir(), 'taskglass-test-data'),
    },
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
