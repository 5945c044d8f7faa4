import { readFileSync } from 'node:fs';
import { TaskglassError } from '../base/errors.ts';
import type { NamedAddress } from '../server/main.ts';

/**
 * Clusters from addresses on the command line and from a file with one a line: the address, then perhaps a name; what follows a `#`
 * is for people. Throws OPTION_INVALID for a file that cannot be read or names none, and for the same address twice.
 */
export function clustersOf(addresses: readonly string[], file: string | undefined): NamedAddress[] {
  const clusters: NamedAddress[] = addresses.map((address) => ({ address }));
  if (file !== undefined) {
    const found = parseClusters(readText(file));
    if (found.length === 0) throw new TaskglassError('OPTION_INVALID', `--clusters: ${file} names no address`);
    clusters.push(...found);
  }
  const twice = clusters.find(({ address }, i) => clusters.findIndex((other) => other.address === address) < i);
  if (twice !== undefined) throw new TaskglassError('OPTION_INVALID', `${twice.address} is given twice`);
  return clusters;
}

function parseClusters(text: string): NamedAddress[] {
  const clusters: NamedAddress[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [address = '', ...words] = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (address === '') continue;
    const name = words.join(' ');
    clusters.push({ address, ...(name !== '' && { name }) });
  }
  return clusters;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TaskglassError('OPTION_INVALID', `--clusters: ${file} cannot be read (${code})`, { cause: error });
  }
}
