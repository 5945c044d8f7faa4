import { mutateBytes, Random } from './mutate.ts';

/** Something that takes bytes from outside. */
export interface Target {
  readonly name: string;
  /** What honest senders send. */
  readonly seeds: readonly Uint8Array[];
  /** Takes one input; throws or rejects where it refuses it. */
  run(input: Uint8Array): unknown;
  /** Codes (else names) of the errors that it may refuse with. */
  readonly refuses: readonly string[];
  /** Another way to change an input, taken as often as the one that changes bytes. */
  mutate?(input: Uint8Array, random: Random): Uint8Array;
  readonly limits?: Partial<Limits>;
  /** After the last case. */
  close?(): Promise<void>;
}

export interface Limits {
  /** Of the processor, for one case. Machines that run tests are slow. */
  readonly ms: number;
  /** What one case may allocate outside the heap of JavaScript, and in it, until it is collected. */
  readonly bytes: number;
}
const LIMITS: Limits = { ms: 3_000, bytes: 64 * 1024 * 1024 };

export interface Finding {
  readonly target: string;
  readonly why: string;
  /** Base64 of the input. */
  readonly input: string;
}

export interface Report {
  readonly cases: number;
  readonly refused: number;
  readonly finding: Finding | null;
}

export interface FuzzOptions {
  readonly seed: number;
  /** It ends after so many cases, or so long. */
  readonly cases?: number;
  readonly ms?: number;
  /** Says which inputs of a batch ran through code that no input before it did: these are kept and changed further. */
  readonly guide?: {
    newIn(batch: readonly Uint8Array[], run: (input: Uint8Array) => Promise<unknown>): Promise<Uint8Array[]>;
  };
}

const BATCH = 64;

/** Runs changed inputs until one breaks what is promised: no crash, no hang, no memory without bound, only the errors that are declared. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Report> {
  const random = new Random(options.seed);
  const corpus: Uint8Array[] = [...target.seeds];
  const until = performance.now() + (options.ms ?? Number.POSITIVE_INFINITY);
  const most = options.cases ?? Number.POSITIVE_INFINITY;
  let refused = 0;
  let cases = 0;
  let batch: Uint8Array[] = [];
  const runOne = async (input: Uint8Array): Promise<string | null> => {
    const { why, wasRefused } = await check(target, input);
    if (wasRefused) refused++;
    return why;
  };
  for (; cases < most && performance.now() < until; cases++) {
    // The first ones are those that honest senders send.
    const honest = target.seeds[cases];
    const input = honest ?? next(target, corpus, random);
    const why = await runOne(input);
    if (why !== null) {
      const finding = { target: target.name, why, input: Buffer.from(input).toString('base64') };
      return { cases: cases + 1, refused, finding };
    }
    batch.push(input);
    if (options.guide !== undefined && batch.length === BATCH) {
      corpus.push(...(await options.guide.newIn(batch, runOne)));
      batch = [];
    }
  }
  return { cases, refused, finding: null };
}

function next(target: Target, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const from = random.pick(corpus);
  if (target.mutate !== undefined && random.below(2) === 0) return target.mutate(from, random);
  return mutateBytes(from, random, corpus);
}

/** `why`: what the target broke; null: nothing. */
export async function check(target: Target, input: Uint8Array): Promise<{ why: string | null; wasRefused: boolean }> {
  const { ms, bytes } = { ...LIMITS, ...target.limits };
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  let error: unknown = null;
  try {
    await target.run(input);
  } catch (reason) {
    error = reason ?? new Error('nothing was thrown');
  }
  const { user, system } = process.cpuUsage(cpu);
  const after = process.memoryUsage();
  const took = (user + system) / 1_000;
  const grown = Math.max(after.arrayBuffers - memory.arrayBuffers, after.heapUsed - memory.heapUsed);
  if (grown > bytes) return { why: `${Math.round(grown / 1024 / 1024)} MiB of memory`, wasRefused: false };
  if (took > ms) return { why: `${Math.round(took)} ms of the processor`, wasRefused: false };
  if (error === null) return { why: null, wasRefused: false };
  const { code, name, stack } = error as { code?: unknown; name?: unknown; stack?: unknown };
  if (target.refuses.includes(String(code)) || target.refuses.includes(String(name)))
    return { why: null, wasRefused: true };
  return { why: `an error that is not declared: ${String(stack ?? error)}`, wasRefused: false };
}
