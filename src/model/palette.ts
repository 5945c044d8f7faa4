import type { StringIndex } from './units.ts';

/**
 * The colours of functions: one list, two shades of each, given round-robin in order of first appearance, so that a
 * function has one colour in every plot, for every viewer and in the API. Found by `scripts/find-palette.mjs` (seed 16),
 * the first eight then put with the calm ones in front; the test beside this file states how far apart they are for
 * every kind of colour vision.
 */
export const PALETTE_LIGHT = [
  '#4375f5',
  '#00a97d',
  '#593894',
  '#b85f95',
  '#2b625e',
  '#9d9911',
  '#654a28',
  '#737200',
  '#584cd4',
  '#a04483',
  '#26856a',
  '#828846',
] as const;

export const PALETTE_DARK = [
  '#bad1ff',
  '#4bcb9d',
  '#7e54ca',
  '#d878b1',
  '#427e79',
  '#e9e42d',
  '#97661e',
  '#a4a310',
  '#8484fc',
  '#c1579f',
  '#10a17d',
  '#c3cb6b',
] as const;

export const PALETTE_SIZE = PALETTE_LIGHT.length;

/** Colours that mean something and that no function has. The same in both themes; `erred` gets an outline in the dark one. */
export const RESERVED_COLORS = {
  erred: '#000000',
  transfer: '#e5484d',
  disk: '#ef7d1a',
  deserialize: '#8a8f98',
  /** Its worker went away while it ran. */
  lost: '#8a8f98',
} as const;

/** Where a function stands in the palette. Index 0 of the table of functions is the empty string, so the first one is 1. */
export function paletteIndex(fn: StringIndex): number {
  return (((fn - 1) % PALETTE_SIZE) + PALETTE_SIZE) % PALETTE_SIZE;
}

/** `#rrggbb` of a function in the light theme: what the API returns. */
export function lightColor(fn: StringIndex): string {
  return PALETTE_LIGHT[paletteIndex(fn)]!;
}

export function darkColor(fn: StringIndex): string {
  return PALETTE_DARK[paletteIndex(fn)]!;
}
