type Ask = (address: URL | string, init?: RequestInit) => Promise<Response>;

let answers: Ask = (address, init) => fetch(address, init);

/** Asks the HTTP API, as `fetch` does. Every question of the page goes through here: a report answers for itself. */
export const ask: Ask = (address, init) => answers(address, init);

/** From now on `other` answers what {@link ask} is asked. */
export function answerWith(other: Ask): void {
  answers = other;
}
