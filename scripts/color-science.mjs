/**
 * The little colour science that the palette's search and its test share: sRGB, OKLCH, CIELAB, CIEDE2000, contrast, and
 * colour-blind vision by Machado, Oliveira and Fernandes (2009), severity 1.
 *
 * @typedef {[number, number, number]} Triple
 */

/** @type {Record<'normal' | 'protan' | 'deutan' | 'tritan', readonly Triple[]>} Matrices in linear RGB. */
export const VISIONS = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** @param {number} c @returns {number} */
const toLinear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
/** @param {number} c @returns {number} */
const toGamma = (c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
/** @param {number} c @returns {number} */
const clamp = (c) => Math.min(1, Math.max(0, c));

/** @param {string} hex `#rrggbb` @returns {Triple} */
export function linearOf(hex) {
  const channel = (/** @type {number} */ at) => toLinear(Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  return [channel(1), channel(3), channel(5)];
}

/** @param {Triple} linear @returns {string} */
export function hexOf(linear) {
  const part = (/** @type {number} */ c) =>
    Math.round(clamp(toGamma(clamp(c))) * 255)
      .toString(16)
      .padStart(2, '0');
  return `#${linear.map(part).join('')}`;
}

/** Linear RGB of an OKLCH colour (hue in degrees), or null where sRGB does not have it.
 * @param {number} l @param {number} c @param {number} h @returns {Triple | null} */
export function fromOklch(l, c, h) {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  /** @type {Triple} */
  const rgb = [
    4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
    -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
    -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z,
  ];
  return rgb.every((v) => v >= -0.0005 && v <= 1.0005) ? rgb : null;
}

/** What somebody with this vision sees, linear RGB. @param {Triple} rgb @param {keyof typeof VISIONS} vision @returns {Triple} */
export function seen(rgb, vision) {
  const [r, g, b] = rgb;
  const row = (/** @type {readonly number[]} */ m) => clamp((m[0] ?? 0) * r + (m[1] ?? 0) * g + (m[2] ?? 0) * b);
  const [m0, m1, m2] = /** @type {[Triple, Triple, Triple]} */ (VISIONS[vision]);
  return [row(m0), row(m1), row(m2)];
}

/** @param {Triple} rgb linear @returns {Triple} CIELAB, D65 */
export function labOf(rgb) {
  const [r, g, b] = rgb;
  const f = (/** @type {number} */ t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** @param {Triple} rgb linear @returns {number} */
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** WCAG contrast ratio. @param {Triple} one linear @param {Triple} other linear @returns {number} */
export function contrast(one, other) {
  const a = luminance(one) + 0.05;
  const b = luminance(other) + 0.05;
  return Math.max(a, b) / Math.min(a, b);
}

/** CIEDE2000. @param {Triple} one CIELAB @param {Triple} other CIELAB @returns {number} */
export function difference(one, other) {
  const [l1, a1, b1] = one;
  const [l2, a2, b2] = other;
  const rad = Math.PI / 180;
  const mean = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(mean ** 7 / (mean ** 7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (/** @type {number} */ a, /** @type {number} */ b) => (Math.atan2(b, a) / rad + 360) % 360;
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];
  const gray = c1 * c2 === 0;
  let dh = gray ? 0 : h2 - h1;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad);
  const [l, c] = [(l1 + l2) / 2, (c1 + c2) / 2];
  let h = h1 + h2;
  if (!gray) h = Math.abs(h1 - h2) <= 180 ? h / 2 : (h + (h < 360 ? 360 : -360)) / 2;
  const t =
    1 -
    0.17 * Math.cos((h - 30) * rad) +
    0.24 * Math.cos(2 * h * rad) +
    0.32 * Math.cos((3 * h + 6) * rad) -
    0.2 * Math.cos((4 * h - 63) * rad);
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const [sc, sh] = [1 + 0.045 * c, 1 + 0.015 * c * t];
  const rt = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin(60 * rad * Math.exp(-(((h - 275) / 25) ** 2)));
  const [x, y, z] = [(l2 - l1) / sl, (c2 - c1) / sc, dH / sh];
  return Math.sqrt(x * x + y * y + z * z + rt * y * z);
}
