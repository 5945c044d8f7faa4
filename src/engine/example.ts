import type { Client } from './client.ts';
import { entryPoint } from './entry.ts';
import { add, dec, inc, sum } from './example-tasks.ts';
import { moduleFunction } from './functions/function-ref.ts';

/**
 * The example computation: a hundred times inc, dec and add, and one sum of it all. What it needs only on the way
 * is released as soon as everything is submitted.
 *
 * @returns 9900
 */
export async function runExample(client: Client): Promise<number> {
  const url = entryPoint('example-tasks');
  const incs = client.map(moduleFunction(url, inc), Array(100).keys());
  const decs = client.map(moduleFunction(url, dec), Array(100).keys());
  const adds = client.map(moduleFunction(url, add), incs, decs);
  const total = client.submit(moduleFunction(url, sum), adds);
  for (const future of [...incs, ...decs, ...adds]) future.release();
  try {
    return await total.result();
  } finally {
    total.release();
  }
}
