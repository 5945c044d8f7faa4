import { TaskglassError } from '../../../base/errors.ts';
import { type Comm, type ConnectOptions, connect } from './comm.ts';
import type { DaskValue } from './message.ts';
import { isRecord } from './msgpack.ts';

export interface CallOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * Calls handlers of a Dask process. A connection carries one request at a time, so calls share a small pool of
 * them: a slow one does not block the next. Every call settles.
 */
export class Rpc implements Disposable {
  readonly #address: string | (() => string);
  readonly #options: ConnectOptions;
  readonly #idle: Comm[] = [];
  readonly #busy = new Set<Comm>();
  readonly #abort = new AbortController();

  /** `address`: a function is asked before each new connection. */
  constructor(address: string | (() => string), options: ConnectOptions = {}) {
    this.#address = address;
    this.#options = { ...options, signal: this.#abort.signal };
  }

  /** Throws PROTOCOL_ERROR with the remote text when the handler raised, CONNECT_TIMEOUT when it is late. */
  async call(op: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<DaskValue> {
    const comm = this.#take() ?? (await this.#connect());
    if (this.#abort.signal.aborted) comm.close();
    this.#busy.add(comm);
    try {
      const reply = await callOn(comm, op, args, options.timeoutMs ?? 10_000);
      if (!comm.isClosed) this.#idle.push(comm);
      return reply;
    } finally {
      this.#busy.delete(comm);
    }
  }

  close(): void {
    this.#abort.abort();
    for (const comm of [...this.#idle.splice(0), ...this.#busy]) comm.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #connect(): Promise<Comm> {
    return connect(typeof this.#address === 'string' ? this.#address : this.#address(), this.#options);
  }

  #take(): Comm | undefined {
    let comm = this.#idle.pop();
    while (comm?.isClosed) comm = this.#idle.pop();
    return comm;
  }
}

/** One request and its reply. The connection is of no use after a failure, unless it {@link isRefusal | is a refusal}. */
export async function callOn(
  comm: Comm,
  op: string,
  args: Record<string, unknown>,
  timeoutMs: number,
): Promise<DaskValue> {
  const timer = setTimeout(
    () =>
      comm.close(
        new TaskglassError('CONNECT_TIMEOUT', `${comm.address} did not answer ${op} within ${timeoutMs / 1000} s`),
      ),
    timeoutMs,
  );
  try {
    // The serializers that the *other* side may use for its answer: without them it may send pickles.
    comm.write({ op, serializers: ['msgpack', 'error'], ...args, reply: true });
    const reply = await comm.read();
    const refusal = remoteError(reply);
    if (refusal !== undefined) throw new RefusedCall(`${op}: ${refusal}`);
    return reply;
  } finally {
    clearTimeout(timer);
  }
}

/** A handler that raised, or that the scheduler's configuration blocks. The connection is as good as before. */
class RefusedCall extends TaskglassError {
  constructor(detail: string) {
    super('PROTOCOL_ERROR', detail);
  }
}

export function isRefusal(error: unknown): error is TaskglassError {
  return error instanceof RefusedCall;
}

/** The text of an error that a handler raised, undefined when the reply is none. */
export function remoteError(reply: DaskValue): string | undefined {
  if (!isRecord(reply) || reply.status !== 'uncaught-error') return undefined;
  return typeof reply.exception_text === 'string' ? reply.exception_text.slice(0, 2000) : 'it raised an exception';
}
