import { encodeUtf8 } from './utf8.ts';

/** Where something lies that was written: bytes from the end of the buffer, which grows towards its beginning. */
export type FlatOffset = number;

/** A field of a table: how many bytes it takes inside the table, and what they are. */
export interface FlatField {
  readonly size: 1 | 2 | 4 | 8;
  readonly value: number;
  /** The value is where something lies. */
  readonly offset: boolean;
}

export const flatByte = (value: number): FlatField => ({ size: 1, value, offset: false });
export const flatShort = (value: number): FlatField => ({ size: 2, value, offset: false });
export const flatInt = (value: number): FlatField => ({ size: 4, value, offset: false });
/** A whole number below 2^53. */
export const flatLong = (value: number): FlatField => ({ size: 8, value, offset: false });
export const flatRef = (value: FlatOffset): FlatField => ({ size: 4, value, offset: true });

/** Writes a FlatBuffer: what is referred to comes first. As much of the format as metadata of Arrow needs. */
export class FlatWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  /** Bytes written, at the end of the buffer. */
  #size = 0;

  text(value: string): FlatOffset {
    const bytes = encodeUtf8(value);
    // A zero behind it, which its length does not count.
    this.#align(4, bytes.length + 1);
    this.#grow(bytes.length + 1);
    this.#bytes.set(bytes, this.#at());
    return this.#int(bytes.length);
  }

  refs(offsets: readonly FlatOffset[]): FlatOffset {
    this.#align(4, offsets.length * 4);
    for (let i = offsets.length - 1; i >= 0; i--) this.#put(flatRef(offsets[i]!));
    return this.#int(offsets.length);
  }

  /** Rows of numbers that take eight bytes each. */
  longs(rows: readonly (readonly number[])[]): FlatOffset {
    const values = rows.flat();
    this.#align(4, values.length * 8);
    this.#align(8, values.length * 8);
    for (let i = values.length - 1; i >= 0; i--) this.#put(flatLong(values[i]!));
    return this.#int(rows.length);
  }

  /** `null`: the field is not there. */
  table(fields: readonly (FlatField | null)[]): FlatOffset {
    const start = this.#size;
    const places = new Array<number>(fields.length).fill(0);
    const order = fields.map((_, slot) => slot).sort((a, b) => (fields[b]?.size ?? 0) - (fields[a]?.size ?? 0));
    for (const slot of order) {
      const field = fields[slot];
      if (field === null || field === undefined) continue;
      this.#align(field.size, 0);
      this.#put(field);
      places[slot] = this.#size;
    }
    this.#align(4, 0);
    const table = this.#int(0);
    for (let slot = fields.length - 1; slot >= 0; slot--) {
      const place = places[slot]!;
      this.#put(flatShort(place === 0 ? 0 : table - place));
    }
    this.#put(flatShort(table - start));
    this.#put(flatShort(4 + 2 * fields.length));
    this.#view.setInt32(this.#bytes.length - table, this.#size - table, true);
    return table;
  }

  /** The whole buffer, whose length is a multiple of 8. */
  finish(root: FlatOffset): Uint8Array<ArrayBuffer> {
    this.#align(8, 4);
    this.#put(flatRef(root));
    return this.#bytes.slice(this.#at());
  }

  #int(value: number): FlatOffset {
    this.#put(flatInt(value));
    return this.#size;
  }

  #put({ size, value, offset }: FlatField): void {
    this.#grow(size);
    const at = this.#at();
    if (size === 1) this.#view.setUint8(at, value);
    else if (size === 2) this.#view.setUint16(at, value, true);
    else if (size === 4) this.#view.setInt32(at, offset ? this.#size - value : value, true);
    else this.#view.setBigInt64(at, BigInt(value), true);
  }

  #at(): number {
    return this.#bytes.length - this.#size;
  }

  /** After `more` further bytes, the size is a multiple of `to`. */
  #align(to: number, more: number): void {
    const over = (this.#size + more) % to;
    if (over > 0) this.#grow(to - over);
  }

  #grow(by: number): void {
    this.#size += by;
    if (this.#size > this.#bytes.length) {
      const next = new Uint8Array(Math.max(this.#size, this.#bytes.length * 2));
      next.set(this.#bytes, next.length - this.#bytes.length);
      this.#bytes = next;
      this.#view = new DataView(next.buffer);
    }
  }
}
