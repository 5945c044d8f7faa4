const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `512MB`, `2 GiB`, `1e3` is none: bytes; NaN when the text is not a size. Without a unit it is bytes already. */
export function parseBytes(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const name = unit.toLowerCase() || 'b';
  return number !== '' && Object.hasOwn(UNITS, name) ? Number(number) * UNITS[name]! : Number.NaN;
}
