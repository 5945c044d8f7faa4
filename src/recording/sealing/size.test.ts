import { expect, it } from 'vitest';
import { sealedSize } from '../../../bench/support/sealed-size.ts';

async function bytes(tasks: number, hashed: number): Promise<number> {
  const { parquet, events } = await sealedSize(tasks, hashed);
  return parquet + events;
}

it('a task takes 32 bytes, and 16 more where its key is a hash', async () => {
  expect(await bytes(262_144, 0)).toBeLessThanOrEqual(32);
  expect(await bytes(131_072, 1)).toBeLessThanOrEqual(48);
}, 120_000);
