import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check, fuzz, type Target } from './fuzzer.ts';
import { indexTarget } from './index-target.ts';
import { PLANTED, plant } from './planted.ts';
import { recordingTargets } from './recording-targets.ts';
import { serverTargets } from './server-targets.ts';
import { TARGETS } from './targets.ts';

/** Another one at each run would be a test that fails for somebody else; `npm run fuzz` takes others. */
const SEED = 20_260_801;

let targets: readonly Target[] = [];
beforeAll(async () => {
  targets = [...TARGETS, ...(await recordingTargets()), await indexTarget(), ...(await serverTargets())];
});
afterAll(async () => {
  for (const target of targets) await target.close?.();
});

const cases: readonly (readonly [name: string, cases: number])[] = [
  ['frames', 1_500],
  ['msgpack', 1_500],
  ['objects', 2_000],
  ['agent', 400],
  ['page', 2_000],
  ['pages', 1_000],
  ['journal', 150],
  ['events', 150],
  ['parquet', 400],
  ['index', 300],
  ['http', 300],
  ['websocket', 150],
];

describe('nothing that comes from outside crashes, hangs or fills the memory', () => {
  test.each(cases)('%s', async (name, most) => {
    const target = targets.find((one) => one.name === name)!;
    const report = await fuzz(target, { seed: SEED, cases: most });
    expect(report.finding).toBeNull();
    // Mutants that are all refused, or all taken, test nothing.
    expect(report.refused).toBeGreaterThan(most / 50);
  });
});

describe('bugs that were planted are found within as many cases', () => {
  let planted: readonly Target[];
  let folder = '';
  beforeAll(async () => {
    folder = plant();
    const file = `${folder}/test/fuzz/targets.ts`;
    ({ TARGETS: planted } = (await import(/* @vite-ignore */ file)) as { TARGETS: readonly Target[] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  test.each(PLANTED)('$bug', async ({ target, why }) => {
    const most = cases.find(([name]) => name === target)![1];
    const { finding } = await fuzz(planted.find(({ name }) => name === target)!, { seed: SEED, cases: most });
    expect(finding?.why).toMatch(why);
  });
});

describe('the fuzzer', () => {
  const target = (run: Target['run']): Target => ({
    name: 'own',
    seeds: [Buffer.from('seed')],
    refuses: ['FINE'],
    limits: { ms: 200, bytes: 32 * 1024 * 1024 },
    run,
  });
  const fails = (error: Error) => () => {
    throw error;
  };
  const refusal = (code: string) => Object.assign(new Error(code), { code });
  const kept: unknown[] = [];
  const seen: readonly (readonly [what: string, run: Target['run'], why: RegExp | null])[] = [
    ['nothing', () => {}, null],
    ['a refusal', fails(refusal('FINE')), null],
    ['a refusal by name', fails(Object.assign(new Error(), { name: 'FINE' })), null],
    ['a late refusal', () => Promise.reject(refusal('FINE')), null],
    ['another code', fails(refusal('OTHER')), /not declared/],
    ['a crash', () => Promise.reject(new TypeError('x')), /not declared/],
    ['memory', () => kept.push(new Uint8Array(64 * 1024 * 1024)), /MiB of memory/],
    ['memory of the heap', () => kept.push(new Array(8_000_000).fill(0.5)), /MiB of memory/],
    ['a long time', () => spin(400), /ms of the processor/],
  ];
  test.each(seen)('sees %s', async (_what, run, why) => {
    const found = await check(target(run), Buffer.from('x'));
    if (why === null) expect(found.why).toBeNull();
    else expect(found.why).toMatch(why);
  });
});

/** Keeps the processor busy for so long by its own clock. */
function spin(ms: number): void {
  const from = process.cpuUsage();
  for (let used = 0; used < ms * 1_000; ) {
    for (let i = 0; i < 1_000_000; i++) Math.sqrt(i);
    const { user, system } = process.cpuUsage(from);
    used = user + system;
  }
}
