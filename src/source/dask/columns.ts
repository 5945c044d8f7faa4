import { TaskglassError } from '../../base/errors.ts';
import { isRecord, type Value } from './comm/msgpack.ts';

/** Reads the agent's packed columns. Everything comes from a cluster, so every shape is checked. */

type ColumnConstructor<T> = { new (buffer: ArrayBuffer): T; readonly BYTES_PER_ELEMENT: number };

/** A typed array that owns its bytes (the socket's chunk is not ours, and may not be aligned). Empty when absent. */
function column<T>(make: ColumnConstructor<T>, value: Value | undefined, length?: number): T {
  if (!(value instanceof Uint8Array)) return broken('a column that is not binary');
  const count = value.length / make.BYTES_PER_ELEMENT;
  if (!Number.isInteger(count) || (length !== undefined && count !== length)) {
    return broken(`a column of ${value.length} bytes for ${length ?? 'some'} rows`);
  }
  const bytes = new ArrayBuffer(value.length);
  new Uint8Array(bytes).set(value);
  return new make(bytes);
}

export function f64(value: Value | undefined, length?: number): Float64Array {
  return column<Float64Array>(Float64Array, value, length);
}
export function u32(value: Value | undefined, length?: number): Uint32Array {
  return column<Uint32Array>(Uint32Array, value, length);
}
export function u16(value: Value | undefined, length?: number): Uint16Array {
  return column<Uint16Array>(Uint16Array, value, length);
}
export function u8(value: Value | undefined, length?: number): Uint8Array {
  return column<Uint8Array>(Uint8Array, value, length);
}

export function list(value: Value | undefined, length?: number): Value[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) return broken('a list');
  return value;
}

export function str(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** NaN for what is not a number. */
export function num(value: Value | undefined): number {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : Number.NaN;
}

export function count(value: Value | undefined): number {
  const n = num(value);
  return n >= 0 ? Math.floor(n) : 0;
}

export function ports(value: Value | undefined): Record<string, number> {
  const result: Record<string, number> = {};
  if (isRecord(value)) for (const [name, port] of Object.entries(value)) result[name] = count(port);
  return result;
}

export function broken(what: string): never {
  throw new TaskglassError('PROTOCOL_ERROR', `the agent sent ${what}`);
}
