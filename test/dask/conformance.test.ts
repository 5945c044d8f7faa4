import { afterAll, beforeAll, describe, it } from 'vitest';
import { CONFORMANCE } from '../../src/source/conformance.ts';
import { CONFORMANCE_VERSIONS } from './cluster.ts';
import { DaskHarness } from './dask-harness.ts';

describe.each(CONFORMANCE_VERSIONS)('a source on Dask $version', ({ python }) => {
  let harness: DaskHarness;
  beforeAll(async () => {
    harness = await DaskHarness.start({ python });
  }, 60_000);
  afterAll(() => harness?.[Symbol.asyncDispose]());

  for (const scenario of CONFORMANCE) it(scenario.name, () => scenario.run(harness), 60_000);
});
