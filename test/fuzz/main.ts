import { Coverage } from './coverage.ts';
import { fuzz } from './fuzzer.ts';
import { indexTarget } from './index-target.ts';
import { recordingTargets } from './recording-targets.ts';
import { serverTargets } from './server-targets.ts';
import { TARGETS } from './targets.ts';

export interface FuzzRun {
  /** Where there are none: all. */
  readonly names: readonly string[];
  readonly seconds: number;
  readonly seed: number;
  /** Where it is said how it goes. */
  readonly say: (line: string) => void;
}

/** Fuzzes each target for so long, guided by which code its inputs reach; resolves with how many findings there were. */
export async function main({ names, seconds, seed, say }: FuzzRun): Promise<number> {
  const targets = [...TARGETS, ...(await recordingTargets()), await indexTarget(), ...(await serverTargets())];
  const unknown = names.find((name) => !targets.some((target) => target.name === name));
  let findings = 0;
  try {
    if (unknown !== undefined)
      throw new Error(`no target ${unknown}; there are ${targets.map(({ name }) => name).join(', ')}`);
    using coverage = await Coverage.start();
    for (const target of targets) {
      if (names.length > 0 && !names.includes(target.name)) continue;
      const before = coverage.reached;
      const { cases, refused, finding } = await fuzz(target, { seed, ms: seconds * 1_000, guide: coverage });
      say(`${target.name}: ${cases} cases, ${refused} refused, ${coverage.reached - before} parts of the code reached`);
      if (finding === null) continue;
      findings++;
      say(`  FOUND ${finding.why}\n  input (base64): ${finding.input}`);
    }
  } finally {
    for (const target of targets) await target.close?.();
  }
  return findings;
}
