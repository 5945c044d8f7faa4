import { describe, expect, it } from 'vitest';
import { contrast, difference, labOf, linearOf, seen, VISIONS } from '../../scripts/color-science.mjs';
import {
  darkColor,
  lightColor,
  PALETTE_DARK,
  PALETTE_LIGHT,
  PALETTE_SIZE,
  paletteIndex,
  RESERVED_COLORS,
} from './palette.ts';

const THEMES = [
  { name: 'light', palette: PALETTE_LIGHT, panel: '#ffffff', accent: '#2f5fd0' },
  { name: 'dark', palette: PALETTE_DARK, panel: '#16191f', accent: '#7aa2ff' },
] as const;
const VISION_NAMES = Object.keys(VISIONS) as (keyof typeof VISIONS)[];

function apart(one: string, other: string, vision: keyof typeof VISIONS): number {
  return difference(labOf(seen(linearOf(one), vision)), labOf(seen(linearOf(other), vision)));
}

function closest(colors: readonly string[], vision: keyof typeof VISIONS): number {
  let least = Number.POSITIVE_INFINITY;
  for (const [i, one] of colors.entries())
    for (const other of colors.slice(i + 1)) least = Math.min(least, apart(one, other, vision));
  return least;
}

describe('the colour science', () => {
  // Pairs 1, 7 and 25 of Sharma, Wu and Dalal (2005).
  it.each([
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, 0, 0], [50, -1, 2], 2.3669],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
  ] as [[number, number, number], [number, number, number], number][])('CIEDE2000 of %j and %j', (a, b, expected) => {
    expect(difference(a, b)).toBeCloseTo(expected, 3);
  });
});

describe.each(THEMES)('the $name palette', ({ palette, panel, accent }) => {
  it.each(VISION_NAMES)('keeps its first eight apart for %s vision: CIEDE2000 of 14 at least', (vision) => {
    expect(closest(palette.slice(0, 8), vision)).toBeGreaterThan(14.2);
  });

  it.each(VISION_NAMES)('keeps all twelve apart for %s vision: 9 at least', (vision) => {
    expect(closest(palette, vision)).toBeGreaterThan(9);
  });

  it.each(palette)('%s has 3:1 against the panel', (color) => {
    expect(contrast(linearOf(color), linearOf(panel))).toBeGreaterThanOrEqual(3);
  });

  it.each(palette)('%s is far from what is reserved, and is not the accent', (color) => {
    for (const reserved of [RESERVED_COLORS.transfer, RESERVED_COLORS.disk, RESERVED_COLORS.erred])
      expect(apart(color, reserved, 'normal')).toBeGreaterThan(15);
    expect(apart(color, accent, 'normal')).toBeGreaterThan(9);
  });
});

describe('colours go round', () => {
  it('begin with the first function, which has index 1', () => {
    expect(lightColor(1)).toBe(PALETTE_LIGHT[0]);
    expect(darkColor(1 + PALETTE_SIZE)).toBe(PALETTE_DARK[0]);
    expect(paletteIndex(0)).toBe(PALETTE_SIZE - 1);
  });
});
