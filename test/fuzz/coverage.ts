import { type InspectorNotification, type Profiler, Session } from 'node:inspector';

/**
 * Which parts of our own code ran, as V8 counts them. To ask costs some milliseconds, so it is asked once for a batch of inputs, and for
 * each of them only where the batch reached something new.
 */
export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#post('Profiler.enable');
    await coverage.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return coverage;
  }

  /** How many parts were reached so far. */
  get reached(): number {
    return this.#seen.size;
  }

  async newIn(batch: readonly Uint8Array[], run: (input: Uint8Array) => Promise<unknown>): Promise<Uint8Array[]> {
    const fresh = new Set([...(await this.#take())].filter((part) => !this.#seen.has(part)));
    if (fresh.size === 0) return [];
    const kept: Uint8Array[] = [];
    for (const input of batch) {
      await run(input);
      const parts = [...(await this.#take())].filter((part) => fresh.delete(part));
      if (parts.length > 0) kept.push(input);
      for (const part of parts) this.#seen.add(part);
    }
    // What did not come again (a cache, a compiler) is no reason to ask again.
    for (const part of fresh) this.#seen.add(part);
    return kept;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** Since the last time: ranges of code, each with the magnitude of how often it ran. */
  async #take(): Promise<Set<string>> {
    const { result } = await this.#post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage');
    const parts = new Set<string>();
    for (const { url, functions } of result) {
      if (!url.includes('/src/') || url.includes('node_modules')) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, count } of ranges) {
          if (count > 0) parts.add(`${url}:${startOffset}:${Math.floor(Math.log2(count))}`);
        }
      }
    }
    return parts;
  }

  #post<T = InspectorNotification<object>>(method: string, parameters: object = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, result) =>
        error === null ? resolve(result as T) : reject(error),
      );
    });
  }
}
