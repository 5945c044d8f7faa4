/**
 * How a typed array stands in a message's JSON head: `{"$c": [type, offset, length]}`, where `offset` counts bytes from the
 * end of the padded head. Numbers that JSON does not have stand as `{"$n": "NaN"}`. Objects whose own keys begin with `$`
 * (a worker may call a service anything) get one more `$` in front, so data never passes for a column.
 */
export const COLUMN_TYPES = { f64: Float64Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const;
export type ColumnType = keyof typeof COLUMN_TYPES;
export type Column = InstanceType<(typeof COLUMN_TYPES)[ColumnType]>;

export const COLUMN_MARK = '$c';
export const NUMBER_MARK = '$n';
/** Columns begin at multiples of this, so that every type can be viewed in place. */
export const ALIGNMENT = 8;
/** Bytes in front of the head: 'T', 'G', wire version, 0, head length as u32 little-endian. */
export const PREAMBLE = 8;
export const MAGIC_0 = 0x54;
export const MAGIC_1 = 0x47;

export function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

export function columnTypeOf(value: unknown): ColumnType | null {
  if (value instanceof Float64Array) return 'f64';
  if (value instanceof Uint32Array) return 'u32';
  if (value instanceof Uint16Array) return 'u16';
  if (value instanceof Uint8Array) return 'u8';
  return null;
}
