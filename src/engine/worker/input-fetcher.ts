import { monotonic } from '../clock.ts';
import type { WorkerRecord } from '../debug/worker-record.ts';
import type { InputRef, MissingMessage, StartStop } from '../protocol.ts';
import { DataClient } from './data-client.ts';
import type { ResultStore } from './result-store.ts';

export interface FetchOutcome {
  readonly transfers: readonly StartStop[];
  readonly fetched: readonly { readonly key: string; readonly attempt: number }[];
  /** What a holder that answered did not have. Holders that did not answer appear nowhere. */
  readonly absent: MissingMessage['absent'];
}

/** Brings results of other workers into this one's store. */
export class InputFetcher {
  readonly #client: DataClient;
  readonly #results: ResultStore;
  /** What is under way, by key and attempt: a second task that needs it waits for the first one's transfer. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #record: WorkerRecord | null;

  constructor(secret: string, results: ResultStore, record: WorkerRecord | null) {
    this.#client = new DataClient(secret);
    this.#results = results;
    this.#record = record;
  }

  hasAll(inputs: readonly InputRef[]): boolean {
    return inputs.every((input) => this.#has(input));
  }

  /** Fetches what is not here, from every holder at once. Never throws: see what is still missing afterwards. */
  async fetch(inputs: readonly InputRef[]): Promise<FetchOutcome> {
    const transfers: StartStop[] = [];
    const fetched: { key: string; attempt: number }[] = [];
    const absent: { key: string; attempt: number; holder: string }[] = [];
    const others: Promise<unknown>[] = [];
    const byHolder = new Map<string, InputRef[]>();
    for (const input of inputs) {
      if (this.#has(input)) continue;
      const under = this.#underWay.get(id(input));
      if (under !== undefined) {
        others.push(under);
        continue;
      }
      const holder = input.holders[Math.floor(Math.random() * input.holders.length)];
      if (holder === undefined) continue;
      const group = byHolder.get(holder);
      if (group === undefined) byHolder.set(holder, [input]);
      else if (!group.includes(input)) group.push(input);
    }
    const own = [...byHolder].map(([holder, group]) => {
      const transfer = this.#transfer(holder, group, transfers, fetched, absent);
      for (const input of group) this.#underWay.set(id(input), transfer);
      return transfer.finally(() => {
        for (const input of group) this.#underWay.delete(id(input));
      });
    });
    await Promise.all([...own, ...others]);
    return { transfers, fetched, absent };
  }

  async #transfer(
    holder: string,
    group: readonly InputRef[],
    transfers: StartStop[],
    fetched: { key: string; attempt: number }[],
    absent: { key: string; attempt: number; holder: string }[],
  ): Promise<void> {
    const start = monotonic();
    try {
      const answer = await this.#client.fetch(holder, group);
      let nbytes = 0;
      group.forEach(({ key, attempt }, i) => {
        const data = answer[i];
        if (data === null || data === undefined) {
          absent.push({ key, attempt, holder });
          return;
        }
        nbytes += data.byteLength;
        this.#results.set(key, attempt, data);
        fetched.push({ key, attempt });
      });
      const stop = monotonic();
      if (nbytes > 0) transfers.push({ action: 'transfer', start, stop, source: holder, nbytes });
      this.#record?.transferred({ source: holder, keys: group.length, nbytes, start, stop });
    } catch (error) {
      this.#record?.note('transfer', `${holder}: ${(error as Error).message}`);
      // The holder is gone, and the scheduler hears of it by another way.
    }
  }

  #has({ key, attempt }: InputRef): boolean {
    return this.#results.get(key, attempt) !== undefined;
  }
}

function id({ key, attempt }: InputRef): string {
  return `${attempt} ${key}`;
}
