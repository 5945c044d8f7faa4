/**
 * Tells damage: four sums over every fourth word each, so that the processor need not wait for one to add to it. Cryptographic it is not.
 */
export function checksum(frame: ArrayBuffer): number {
  const words = new Uint32Array(frame);
  let [a, b, c, d] = [1, 2, 3, 4];
  for (let i = 0; i < words.length; i += 4) {
    a = (Math.imul(a, 0x9e37_79b1) + words[i]!) | 0;
    b = (Math.imul(b, 0x85eb_ca77) + words[i + 1]!) | 0;
    c = (Math.imul(c, 0xc2b2_ae3d) + words[i + 2]!) | 0;
    d = (Math.imul(d, 0x27d4_eb2f) + words[i + 3]!) | 0;
  }
  return (a ^ (b << 7) ^ (b >>> 25) ^ (c << 13) ^ (c >>> 19) ^ (d << 19) ^ (d >>> 13)) >>> 0;
}
