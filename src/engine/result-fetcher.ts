import { DataClient } from './worker/data-client.ts';

interface Wish {
  readonly key: string;
  readonly attempt: number;
  readonly resolve: (data: Uint8Array | null) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_PER_REQUEST = 1000;

/** Brings results into the client's process. Wishes of one turn for one worker go there together. */
export class ResultFetcher {
  readonly #client: DataClient;
  readonly #wishes = new Map<string, Wish[]>();

  constructor(secret: string) {
    this.#client = new DataClient(secret);
  }

  /** @returns null when the worker does not have it; @throws when the worker cannot be reached */
  fetch(address: string, key: string, attempt: number): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => {
      const wishes = this.#wishes.get(address);
      const wish = { key, attempt, resolve, reject };
      if (wishes !== undefined) {
        wishes.push(wish);
        return;
      }
      this.#wishes.set(address, [wish]);
      setImmediate(() => this.#send(address));
    });
  }

  forget(address: string): void {
    this.#client.forget(address);
  }

  close(): void {
    this.#client.close();
  }

  #send(address: string): void {
    const wishes = this.#wishes.get(address) ?? [];
    this.#wishes.delete(address);
    for (let from = 0; from < wishes.length; from += MOST_PER_REQUEST) {
      const part = wishes.slice(from, from + MOST_PER_REQUEST);
      this.#client.fetch(address, part).then(
        (answer) => {
          part.forEach((wish, i) => {
            wish.resolve(answer[i] ?? null);
          });
        },
        (error: unknown) => {
          for (const wish of part) wish.reject(error);
        },
      );
    }
  }
}
