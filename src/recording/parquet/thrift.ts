import { RecordingError } from '../files/event-decoder.ts';

// Of Thrift's compact protocol, in which the headers and the footer of a Parquet file are written.
const TRUE = 1;
const FALSE = 2;
const I8 = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

/** Nothing of ours is deeper. */
const DEEPEST = 16;

/**
 * Reads what its caller expects and passes over all else without keeping it, so neither memory nor time is more than what the
 * bytes are. Throws RecordingError for anything that is not as expected.
 */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #depth = 0;
  /** Of the value that comes next. */
  #type = STRUCT;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Behind what was read. */
  get at(): number {
    return this.#at;
  }

  /** `field` is called with the number of each field: it reads its value, or returns false, and the value is passed over. */
  struct(field: (id: number) => boolean): void {
    this.#expect(STRUCT);
    this.#deeper(() => {
      let id = 0;
      for (let head = this.#byte(); head !== 0; head = this.#byte()) {
        const type = head & 15;
        id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4);
        this.#type = type;
        if (!field(id)) this.#skip(type);
      }
    });
  }

  /** `element` reads each element of a list. */
  list(most: number, element: () => void): void {
    if (this.#type !== SET) this.#expect(LIST);
    this.#deeper(() => {
      const { size, type } = this.#listHead();
      if (size > most) throw new RecordingError(`a list of ${size}`);
      for (let i = 0; i < size; i++) {
        this.#type = type;
        element();
      }
    });
  }

  whole(): number {
    if (this.#type !== I64 && this.#type !== I16) this.#expect(I32);
    return this.#zigzag();
  }

  bytes(): Uint8Array {
    this.#expect(BINARY);
    const length = this.#varint();
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  flag(): boolean {
    if (this.#type !== TRUE) this.#expect(FALSE);
    return this.#type === TRUE;
  }

  #skip(type: number): void {
    switch (type) {
      case TRUE:
      case FALSE:
        return;
      case I8:
        this.#byte();
        return;
      case I16:
      case I32:
      case I64:
        for (let bytes = 1; this.#byte() >= 0x80; bytes++)
          if (bytes === 10) throw new RecordingError('an endless number');
        return;
      case DOUBLE:
        this.#need(8);
        this.#at += 8;
        return;
      case BINARY: {
        const length = this.#varint();
        this.#need(length);
        this.#at += length;
        return;
      }
      case LIST:
      case SET:
        this.#deeper(() => {
          const { size, type } = this.#listHead();
          // In a list, a truth takes a byte.
          for (let i = 0; i < size; i++) this.#skip(type === TRUE || type === FALSE ? I8 : type);
        });
        return;
      default:
        this.#type = type;
        this.struct(() => false);
    }
  }

  #listHead(): { readonly size: number; readonly type: number } {
    const head = this.#byte();
    const size = head >> 4 === 15 ? this.#varint() : head >> 4;
    // Each takes a byte at least.
    this.#need(size);
    return { size, type: head & 15 };
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 56) throw new RecordingError('an endless number');
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  #need(bytes: number): void {
    if (bytes > this.#end - this.#at) throw new RecordingError('it ends early');
  }

  #expect(type: number): void {
    if (this.#type !== type) throw new RecordingError('a value of another type');
  }

  #deeper(read: () => void): void {
    if (this.#depth === DEEPEST) throw new RecordingError('too deep');
    this.#depth++;
    read();
    this.#depth--;
  }
}
