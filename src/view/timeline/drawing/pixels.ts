/**
 * Colours as ImageData wants them: one little-endian 32-bit number a pixel, 0xAABBGGRR. Every machine that runs a browser
 * today is little-endian.
 */
export type Pixel = number;

export function pixel(red: number, green: number, blue: number): Pixel {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export const redOf = (p: Pixel): number => p & 0xff;
export const greenOf = (p: Pixel): number => (p >>> 8) & 0xff;
export const blueOf = (p: Pixel): number => (p >>> 16) & 0xff;

/** `#rgb` or `#rrggbb`, or what getComputedStyle gives: `rgb(r, g, b)`. Anything else is black. */
export function parseColor(text: string): Pixel {
  const css = text.trim();
  const functional = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/.exec(css);
  if (functional !== null) {
    return pixel(
      Math.round(Number(functional[1])),
      Math.round(Number(functional[2])),
      Math.round(Number(functional[3])),
    );
  }
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(css);
  const hex = short !== null ? `#${short[1]}${short[1]}${short[2]}${short[2]}${short[3]}${short[3]}` : css;
  const long = /^#([\da-f]{6})/i.exec(hex);
  const value = long === null ? 0 : Number.parseInt(long[1]!, 16);
  return pixel((value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

export function cssColor(p: Pixel, alpha = 1): string {
  const rgb = `${redOf(p)}, ${greenOf(p)}, ${blueOf(p)}`;
  return alpha === 1 ? `rgb(${rgb})` : `rgba(${rgb}, ${alpha})`;
}

/** `share` of `a` over the rest of `b`, channel by channel. */
export function mix(a: Pixel, b: Pixel, share: number): Pixel {
  const rest = 1 - share;
  return pixel(
    Math.round(redOf(a) * share + redOf(b) * rest),
    Math.round(greenOf(a) * share + greenOf(b) * rest),
    Math.round(blueOf(a) * share + blueOf(b) * rest),
  );
}

/** Relative luminance of WCAG, 0..1. */
export function luminance(p: Pixel): number {
  const linear = (channel: number): number => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(redOf(p)) + 0.7152 * linear(greenOf(p)) + 0.0722 * linear(blueOf(p));
}
