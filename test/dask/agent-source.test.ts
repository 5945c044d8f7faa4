import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readAgentSource } from '../../src/source/dask/agent-source.ts';
import { CONFORMANCE_VERSIONS } from './cluster.ts';

const SCRIPT = fileURLToPath(new URL('../../agent/tests/joined.py', import.meta.url));

test.each(CONFORMANCE_VERSIONS)(
  'the agent as one text is whole and comes and goes on Dask $version',
  async ({ python }) => {
    const running = promisify(execFile)(python, [SCRIPT]);
    running.child.stdin!.end(await readAgentSource());
    expect((await running).stdout).toMatch(/^good \d+$/m);
  },
);
