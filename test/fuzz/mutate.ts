/** Numbers that look random and are the same for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number from 0 up, below `limit`. */
  below(limit: number): number {
    // xorshift32: enough to choose, and in no way secret.
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % Math.max(limit, 1);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }
}

/** Lengths, counts and offsets that decoders trip over. */
const NUMBERS = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x1_0000, 0x100_0000, 0x400_0000, 0x800_0000, 0x7fff_ffff, 0x8000_0000,
  0xffff_ffff,
];

/** A few changes of some bytes: what a hostile or a broken sender might have sent instead. `others`: to take pieces of. */
export function mutateBytes(bytes: Uint8Array, random: Random, others: readonly Uint8Array[] = []): Uint8Array {
  let out = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) out = mutateOnce(out, random, others);
  return out;
}

function mutateOnce(out: Buffer<ArrayBuffer>, random: Random, others: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  // Lengths and counts stand in front, mostly.
  const at = random.below(random.below(3) === 0 ? Math.min(out.length, 16) : out.length);
  const length = random.below(Math.min(out.length - at, 64)) + 1;
  switch (random.below(9)) {
    case 0:
      if (out.length > 0) out[at]! ^= 1 << random.below(8);
      return out;
    case 1:
      if (out.length > 0) out[at] = random.below(256);
      return out;
    case 2: {
      const width = random.pick([1, 2, 4, 8]);
      if (at + width > out.length) return out;
      const number = BigInt.asUintN(8 * width, BigInt(random.pick(NUMBERS)));
      const bytes = Buffer.alloc(8);
      if (random.below(2) === 0) bytes.writeBigUInt64LE(number);
      else bytes.writeBigUInt64BE(number << BigInt(64 - 8 * width));
      bytes.copy(out, at, 0, width);
      return out;
    }
    case 3:
      return out.subarray(0, at);
    case 4:
      return Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
    case 5:
      return Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
    case 6: {
      const piece = Buffer.alloc(length, random.below(256));
      return Buffer.concat([out.subarray(0, at), piece, out.subarray(at)]);
    }
    case 7: {
      const other = Buffer.from(random.pick(others.length > 0 ? others : [out]));
      const from = random.below(other.length);
      return Buffer.concat([out.subarray(0, at), other.subarray(from, from + 1 + random.below(256))]);
    }
    default: {
      const other = Buffer.from(random.pick(others.length > 0 ? others : [out]));
      const from = random.below(other.length);
      other.copy(out, at, from, from + length);
      return out;
    }
  }
}

const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  2 ** 31,
  4294967296,
  1e15,
  1e9,
  '',
  '__proto__',
  'constructor',
  '\0\ud800',
  'x'.repeat(5_000),
  [],
  {},
  [[[[[[[[]]]]]]]],
  { length: 1e9 },
  Array.from({ length: 300 }, (_, i) => i),
  Buffer.alloc(0),
  Buffer.alloc(1_000, 0xff),
];

/** The same for a tree of values: one of its nodes, or a few, become something else. */
export function mutateTree(value: unknown, random: Random): unknown {
  let out = structuredClone(value);
  for (let left = 1 + random.below(3); left > 0; left--) out = mutateNode(out, random, 0);
  return out;
}

function mutateNode(value: unknown, random: Random, depth: number): unknown {
  const isTree = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
  const keys = isTree ? Object.keys(value) : [];
  if (keys.length === 0 || random.below(6) < (depth === 0 ? 0 : 1)) return hostile(value, random);
  const node = value as Record<string, unknown>;
  const key = random.pick(keys);
  switch (random.below(12)) {
    case 0:
      if (Array.isArray(value)) value.splice(Number(key), 1);
      else delete node[key];
      break;
    case 1:
      node[key] = node[random.pick(keys)];
      break;
    case 2:
      if (Array.isArray(value)) value.push(...value.slice(0, 1 + random.below(value.length)));
      break;
    default:
      node[key] = mutateNode(node[key], random, depth + 1);
  }
  return node;
}

function hostile(value: unknown, random: Random): unknown {
  if (ArrayBuffer.isView(value) && random.below(3) > 0) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    // Of a column, its length stays more often than not: what is behind the check of lengths wants to be met too.
    if (random.below(3) === 0) return mutateBytes(bytes, random);
    const out = Buffer.from(bytes);
    for (let left = 1 + random.below(8); left > 0 && out.length > 0; left--)
      out[random.below(out.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    return out;
  }
  if (typeof value === 'number' && random.below(2) === 0) {
    return random.pick([value + 1, value - 1, -value, value * 1e6, value * 1e12, value / 3, value + 1e9]);
  }
  return structuredClone(random.pick(HOSTILE));
}
