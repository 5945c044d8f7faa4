import type { ByteSink, ByteSource } from '../base/byte-stream.ts';
import { type NumberDecoder, type NumberEncoder, type NumberModel, NumberModels } from '../base/number-coder.ts';

/**
 * How a key is written: most of it is the name of its group, which is known, and a hash or counting indices. A key that fits no
 * pattern exactly is written whole, so what comes back is always what was written.
 */
const WHOLE = 0;
/** Group and what follows. */
const AFTER_GROUP = 1;
/** `('group', 3, 17)`: differences from the last such key of the group. */
const TUPLE = 2;
/** `group-17`: the difference from the last one. */
const NUMBERED = 3;
/** Group, '-' and 32 hexadecimal digits, or these with the dashes of a UUID. */
const HASHED = 4;
const UUID = 5;

const INDICES = /^(?:, (?:0|[1-9]\d{0,14}))+\)$/;
/** More than 64 indices are a text. */
const LONGEST_INDICES = 192;
const NUMBER = /^-(?:0|[1-9]\d{0,14})$/;
const HEX = /^-[\da-f]{32}$/;
const HEX_UUID = /^-[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/** The streams that keys are written to: hashes do not compress, and would spoil what does. */
export interface KeyStreams<Numbers, Bytes> {
  readonly numbers: Numbers;
  readonly texts: Bytes;
  readonly hashes: Bytes;
}

/** What numbers in keys are like, by group. */
class Models {
  readonly form = new NumberModels();
  readonly #numbers = new NumberModels();

  /** The `i`-th of a key; how many they are comes before them. */
  number(group: number, i: number): NumberModel {
    return this.#numbers.of(group * 4 + Math.min(i + 1, 3));
  }
}

/** What the last keys of a group were. */
class Groups {
  readonly #indices = new Map<number, number[]>();
  readonly #numbers = new Map<number, number>();

  indices(group: number, length: number): number[] {
    const known = this.#indices.get(group);
    if (known?.length === length) return known;
    const fresh = new Array<number>(length).fill(0);
    this.#indices.set(group, fresh);
    return fresh;
  }

  /** The difference of `value` from the last number of the group. */
  step(group: number, value: number): number {
    const step = value - (this.#numbers.get(group) ?? 0);
    this.#numbers.set(group, value);
    return step;
  }

  stepped(group: number, step: number): number {
    const value = (this.#numbers.get(group) ?? 0) + step;
    this.#numbers.set(group, value);
    return value;
  }
}

export class KeyWriter {
  readonly #to: KeyStreams<NumberEncoder, ByteSink>;
  readonly #groups = new Groups();
  readonly #models = new Models();

  constructor(to: KeyStreams<NumberEncoder, ByteSink>) {
    this.#to = to;
  }

  write(key: string, group: number, name: string): void {
    const { numbers, texts } = this.#to;
    const form = this.#models.form.of(group);
    if (name !== '' && key.startsWith("('") && key.startsWith(name, 2) && key[2 + name.length] === "'") {
      const rest = key.slice(3 + name.length);
      if (rest.length <= LONGEST_INDICES && INDICES.test(rest)) {
        const indices = rest.slice(2, -1).split(', ').map(Number);
        const last = this.#groups.indices(group, indices.length);
        numbers.whole(form, TUPLE);
        numbers.whole(this.#models.number(group, -1), indices.length);
        indices.forEach((index, i) => {
          numbers.signed(this.#models.number(group, i), index - last[i]!);
          last[i] = index;
        });
        return;
      }
    }
    if (name === '' || !key.startsWith(name)) {
      numbers.whole(form, WHOLE);
      texts.text(key);
      return;
    }
    const rest = key.slice(name.length);
    if (NUMBER.test(rest)) {
      numbers.whole(form, NUMBERED);
      numbers.signed(this.#models.number(group, 0), this.#groups.step(group, Number(rest.slice(1))));
    } else if (HEX.test(rest)) this.#hash(group, HASHED, rest.slice(1));
    else if (HEX_UUID.test(rest)) this.#hash(group, UUID, rest.replaceAll('-', ''));
    else {
      numbers.whole(form, AFTER_GROUP);
      texts.text(rest);
    }
  }

  #hash(group: number, form: number, digits: string): void {
    this.#to.numbers.whole(this.#models.form.of(group), form);
    for (let i = 0; i < 32; i += 2) this.#to.hashes.byte(Number.parseInt(digits.slice(i, i + 2), 16));
  }
}

export class KeyReader {
  readonly #from: KeyStreams<NumberDecoder, ByteSource>;
  readonly #groups = new Groups();
  readonly #models = new Models();

  constructor(from: KeyStreams<NumberDecoder, ByteSource>) {
    this.#from = from;
  }

  read(group: number, name: string): string {
    const { numbers, texts } = this.#from;
    switch (numbers.whole(this.#models.form.of(group))) {
      case WHOLE:
        return texts.text();
      case AFTER_GROUP:
        return name + texts.text();
      case TUPLE: {
        const length = numbers.whole(this.#models.number(group, -1));
        if (length > 64) throw new RangeError('a key has too many indices');
        const last = this.#groups.indices(group, length);
        for (let i = 0; i < length; i++) last[i]! += numbers.signed(this.#models.number(group, i));
        return `('${name}', ${last.join(', ')})`;
      }
      case NUMBERED:
        return `${name}-${this.#groups.stepped(group, numbers.signed(this.#models.number(group, 0)))}`;
      case HASHED:
        return `${name}-${this.#hash()}`;
      case UUID: {
        const hash = this.#hash();
        const parts = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20)];
        return `${name}-${parts.join('-')}`;
      }
      default:
        throw new RangeError('a key is of no known form');
    }
  }

  #hash(): string {
    let text = '';
    for (const byte of this.#from.hashes.raw(16)) text += DIGITS[byte];
    return text;
  }
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
