import type { Locator } from 'playwright-core';

/** Pixels of a canvas, by device pixels from its left top corner. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha of each pixel. */
  readonly data: Uint8ClampedArray;
}

/** What a canvas shows right now. */
export async function pictureOf(canvas: Locator): Promise<Picture> {
  const { width, height, base64 } = await canvas.evaluate((element) => {
    const source = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(source.width, source.height);
    const context = copy.getContext('2d');
    if (context === null) throw new Error('no 2d context');
    context.drawImage(source, 0, 0);
    const { data } = context.getImageData(0, 0, source.width, source.height);
    let binary = '';
    for (let i = 0; i < data.length; i += 32_768) binary += String.fromCharCode(...data.subarray(i, i + 32_768));
    return { width: source.width, height: source.height, base64: btoa(binary) };
  });
  return { width, height, data: new Uint8ClampedArray(Buffer.from(base64, 'base64')) };
}

/** How many pixels have exactly this colour and are opaque. */
export function countColor({ data }: Picture, color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255) count++;
  }
  return count;
}
