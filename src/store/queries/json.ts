import { lightColor } from '../../model/palette.ts';

/** JSON has no NaN: a number that is not known is null. */
export type Known = number | null;

export function known(value: number): Known {
  return Number.isFinite(value) ? value : null;
}

/** A name of ours as the API writes it: `networkRead` → `network_read`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A function's colour: its index, which a theme maps, and what the light theme makes of it. */
export function colorOf(fn: number): { readonly index: number; readonly hex: string } {
  return { index: fn, hex: lightColor(fn) };
}
