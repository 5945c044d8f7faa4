/** What names a worker in the address of its debug pages: `/workers/NAME/debug`. */
interface NamedWorker {
  readonly address: string;
  readonly name: string;
  readonly alive: boolean;
}

/**
 * Its name, which a restart keeps, where nobody else has it and it can stand in a path as it is; else its address, of which
 * `tcp://` is left out: there are proxies that take escaped slashes for slashes.
 */
export function workerPath(worker: NamedWorker, all: readonly NamedWorker[]): string {
  const { name } = worker;
  const plain = /^[A-Za-z0-9_][A-Za-z0-9_.~-]{0,99}$/.test(name);
  const alone = all.filter((other) => other.alive && other.name === name).length <= 1;
  return plain && alone ? name : withoutScheme(worker.address);
}

/** The worker that such a path, a name or an address means; one that is there comes before one that is gone. */
export function findWorker<T extends NamedWorker>(all: readonly T[], path: string): T | undefined {
  const candidates = [...all.filter(({ alive }) => alive), ...all.filter(({ alive }) => !alive)];
  return (
    candidates.find(({ address }) => address === path) ??
    candidates.find(({ name }) => name === path) ??
    candidates.find(({ address }) => withoutScheme(address) === path)
  );
}

function withoutScheme(address: string): string {
  return address.replace(/^[a-z]+:\/\//, '');
}
