import path from 'node:path';
import { expect, test } from 'vitest';
import { DASK_VERSIONS } from '../../scripts/lib/python.mjs';
import { freePort } from '../support/ports.ts';
import { ROOT } from '../support/project-files.ts';
import { gone, packagePython } from './preloaded.ts';

interface Answer {
  readonly kind: string;
  readonly services: Record<string, number>;
  readonly worker: Record<string, number>;
  readonly pid: number | null;
  readonly page?: string;
}

test.each(DASK_VERSIONS)('LocalCluster() brings the pages along by configuration alone, Dask %s', async (version) => {
  const port = await freePort();
  await using python = await packagePython(version, [path.join(ROOT, 'test/preload/local_clusters.py'), String(port)]);
  expect(await python.ended(), python.output).toBe(0);
  const answers = python.output
    .split('\n')
    .filter((line) => line.startsWith('{"kind":'))
    .map((line) => JSON.parse(line) as Answer);
  expect(answers.map((answer) => answer.kind)).toEqual(['no dashboard', 'processes', 'threads']);

  const [none, processes, threads] = answers as [Answer, Answer, Answer];
  for (const answer of [processes, threads]) {
    expect(answer.services).toMatchObject({ dashboard: port, bokeh: expect.any(Number) });
    expect(answer.page).toContain('<title>Taskglass</title>');
    await gone(answer.pid!);
  }
  for (const answer of answers) {
    expect(answer.services).toHaveProperty('taskglass-debug');
    expect(answer.worker).toHaveProperty('taskglass-debug');
  }
  // Whoever says that there is to be no dashboard gets none.
  expect(none.pid).toBeNull();
  expect(none.services).not.toHaveProperty('bokeh');
});
