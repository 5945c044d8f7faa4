#!/usr/bin/env node
/**
 * Finds the palette of `src/model/palette.ts` by simulated annealing and prints it. Run by hand, when the wishes
 * below change: `node scripts/find-palette.mjs [SEED] [STEPS]`; `src/model/palette.test.ts` pins what was found.
 *
 * Wishes: a light and a dark shade of one hue per place; the first EIGHT as far apart as can be for every vision in
 * both themes; the rest as far as is left; 3:1 against the panel; 15 away from the reserved colours.
 */
import { contrast, difference, fromOklch, hexOf, labOf, linearOf, seen, VISIONS } from './color-science.mjs';

const PLACES = 12;
const EIGHT = 8;
const THEMES = [
  { panel: linearOf('#ffffff'), accent: labOf(linearOf('#2f5fd0')), light: [0.43, 0.69] },
  { panel: linearOf('#16191f'), accent: labOf(linearOf('#7aa2ff')), light: [0.55, 0.9] },
];
const RESERVED = ['#e5484d', '#ef7d1a', '#000000'].map((hex) => labOf(linearOf(hex)));
/**
 * Where each place may lie on the hue circle, give or take SWING: left to itself the search answers in purples and greens
 * only, which is right for colour-blind eyes and dull for everybody. The order is that of first appearance.
 */
const HUES = [248, 92, 155, 305, 205, 352, 125, 62, 280, 330, 180, 108];
const SWING = 17;
/** 15 is the wish; a function that looks like an alarm at a glance is worse than one that looks like its neighbour. */
const AWAY = 18;
const visions = /** @type {(keyof typeof VISIONS)[]} */ (Object.keys(VISIONS));

let seed = Number(process.argv[2] ?? 1);
const steps = Number(process.argv[3] ?? 400_000);
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
const between = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * random();

/** The Lab values for every vision, or null where a shade is not allowed.
 * @param {number} theme @param {number} l @param {number} c @param {number} h */
function shade(theme, l, c, h) {
  const found = fromOklch(l, c, h);
  const { panel, light, accent } = /** @type {(typeof THEMES)[number]} */ (THEMES[theme]);
  if (found === null || l < light[0] || l > light[1] || c > 0.2) return null;
  // Vivid, or it reads as gray; sRGB has less chroma in some hues than in others.
  if (fromOklch(l, c / 0.66, h) !== null && c < 0.13) return null;
  const rgb = linearOf(hexOf(found));
  if (contrast(rgb, panel) < 3) return null;
  const lab = labOf(rgb);
  if (difference(lab, accent) < 9) return null;
  if (RESERVED.some((other) => difference(lab, other) < AWAY)) return null;
  return { hex: hexOf(found), seen: visions.map((vision) => labOf(seen(rgb, vision))) };
}

/** @typedef {{h: number, lc: [number, number][], shades: NonNullable<ReturnType<typeof shade>>[]}} Place */

/** @param {number} place @param {Place | null} from @returns {Place | null} */
function propose(place, from, reach = 1) {
  const middle = /** @type {number} */ (HUES[place]);
  const h = from === null ? middle + between(-SWING, SWING) : from.h + between(-10, 10) * reach;
  if (Math.abs(h - middle) > SWING) return null;
  /** @type {[number, number][]} */
  const lc = [0, 1].map((theme) => {
    const before = from?.lc[theme];
    if (before === undefined) return [between(0.36, 0.93), between(0.08, 0.24)];
    return [before[0] + between(-0.1, 0.1) * reach, before[1] + between(-0.05, 0.05) * reach];
  });
  const shades = [];
  if (lc[1][0] < lc[0][0] || lc[1][0] > lc[0][0] + 0.26) return null;
  for (const [theme, [l, c]] of lc.entries()) {
    const made = shade(theme, l, c, h);
    if (made === null) return null;
    shades.push(made);
  }
  return { h, lc, shades };
}

/** @param {Place} a @param {Place} b */
function apart(a, b) {
  let least = Number.POSITIVE_INFINITY;
  for (let theme = 0; theme < 2; theme++)
    for (let v = 0; v < visions.length; v++)
      least = Math.min(
        least,
        difference(/** @type {any} */ (a.shades[theme]).seen[v], /** @type {any} */ (b.shades[theme]).seen[v]),
      );
  return least;
}

/** Pulls the minimum, and a little the crowd behind it, so that annealing has a slope. */
function energyOf(/** @type {number[][]} */ distances, /** @type {number} */ count, /** @type {number} */ first) {
  let sum = 0;
  for (let i = 0; i < count; i++)
    for (let j = Math.max(first, i + 1); j < count; j++) sum += Math.exp(-(distances[i]?.[j] ?? 0) / 0.9);
  return 0.9 * Math.log(sum);
}

/** Anneals places [first, last); those before stay. @param {Place[]} places @param {number} first @param {number} last */
function anneal(places, first, last) {
  while (places.length < last) {
    const made = propose(places.length, null);
    if (made !== null) places.push(made);
  }
  const distances = places.map((a) => places.map((b) => (a === b ? 0 : apart(a, b))));
  let energy = energyOf(distances, last, first);
  let best = { energy, places: [...places] };
  for (let step = 0; step < steps; step++) {
    const heat = 1 - step / steps;
    const i = first + Math.floor(random() * (last - first));
    const made = propose(i, random() < 0.05 * heat ? null : /** @type {Place} */ (places[i]), Math.max(0.03, heat));
    if (made === null) continue;
    const row = places.map((other, j) => (j === i ? 0 : apart(made, other)));
    const before = distances.map((r) => [...r]);
    for (let j = 0; j < last; j++) {
      /** @type {any} */ (distances[i])[j] = row[j];
      /** @type {any} */ (distances[j])[i] = row[j];
    }
    const next = energyOf(distances, last, first);
    if (next < energy || random() < Math.exp((energy - next) / (0.6 * heat ** 2 + 1e-6))) {
      places[i] = made;
      energy = next;
      if (energy < best.energy) best = { energy, places: [...places] };
    } else for (let j = 0; j < last; j++) distances[j] = /** @type {number[]} */ (before[j]);
  }
  places.splice(0, places.length, ...best.places);
}

/** @param {Place[]} places @param {number} count */
function least(places, count) {
  let found = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++)
      found = Math.min(found, apart(/** @type {any} */ (places[i]), /** @type {any} */ (places[j])));
  return found;
}

/** @type {Place[]} */
const places = [];
anneal(places, 0, EIGHT);
const eight = least(places, EIGHT);
anneal(places, EIGHT, PLACES);
console.log(
  JSON.stringify({
    seed: process.argv[2],
    eight,
    all: least(places, PLACES),
    light: places.map((p) => p.shades[0]?.hex),
    dark: places.map((p) => p.shades[1]?.hex),
  }),
);
