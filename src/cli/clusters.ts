import { readFileSync } from 'node:fs';
import { TaskglassError } from '../base/errors.ts';
import type { NamedAddress } from '../server/main.ts';

/** Options that name clusters, as commander gives them. */
export interface ClustersGiven {
  readonly clusters?: string;
  readonly schedulerFile?: string;
}

/**
 * Clusters from addresses on the command line, from a scheduler's own file, and from a file with one a line: the address, then perhaps a name; what follows a `#`
 * is for people. Throws OPTION_INVALID for a file that cannot be read or names none, and for the same address twice.
 */
export function clustersOf(
  addresses: readonly string[],
  { clusters: file, schedulerFile }: ClustersGiven,
): NamedAddress[] {
  const clusters: NamedAddress[] = addresses.map((address) => ({ address }));
  if (schedulerFile !== undefined) clusters.push({ address: schedulerFile, schedulerFile });
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
