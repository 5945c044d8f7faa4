import { TaskglassError } from '../../base/errors.ts';
import { DEBUG_SERVICE, type DebugIndex, type DebugView } from '../../model/debug.ts';
import { checkDebugIndex, checkDebugView, isTopic } from '../../model/debug-check.ts';
import type { DebugAccess, DebugTarget } from '../source.ts';
import type { DaskValue } from './comm/message.ts';
import { isRecord } from './comm/msgpack.ts';
import { Rpc } from './comm/rpc.ts';
import type { TlsOptions } from './comm/tls.ts';

/** What a process of the cluster lists as its services: names and ports. */
export type Services = Readonly<Record<string, number>>;

/** What is known of the cluster's processes, by the source that watches it. */
export interface KnownProcesses {
  /** The scheduler's services; undefined while it is not known. */
  readonly scheduler: Services | undefined;
  /** A worker by its address or its name. */
  worker(nameOrAddress: string): { readonly address: string; readonly services: Services } | undefined;
}

export interface DaskDebugOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number;
  readonly tls?: TlsOptions;
}

const OP = 'taskglass_debug';
/** Of Python's errors those that tell of a connection. */
const UNREACHED = /^proxy: \w*(OSError|Timeout|Connection|CommClosed)/;
/** Of one answer. The largest, profiles and call stacks, are some hundred kilobytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Asks what our preload registered in the scheduler and in its workers; a worker is asked through the scheduler, so that no
 * other port need be open. The connections are its own: a process that is stopped keeps nobody else waiting.
 */
export class DaskDebugAccess implements DebugAccess, Disposable {
  readonly #rpc: Rpc;
  readonly #known: KnownProcesses;
  readonly #timeoutMs: number;

  constructor(
    address: string | (() => string),
    known: KnownProcesses,
    { timeoutMs = 5_000, tls }: DaskDebugOptions = {},
  ) {
    const limits = { maxFrames: 1_024, maxBytes: MAX_ANSWER };
    this.#rpc = new Rpc(address, { timeoutMs, limits, ...(tls && { tls }) });
    this.#known = known;
    this.#timeoutMs = timeoutMs;
  }

  async index(target: DebugTarget): Promise<DebugIndex> {
    return checkDebugIndex(await this.#ask(target, null));
  }

  async view(target: DebugTarget, topic: string): Promise<DebugView> {
    if (!isTopic(topic)) throw noTopic(topic);
    return checkDebugView(await this.#ask(target, topic));
  }

  close(): void {
    this.#rpc.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #ask(target: DebugTarget, topic: string | null): Promise<unknown> {
    const reply = await (target.role === 'scheduler'
      ? this.#askScheduler(topic)
      : this.#askWorker(target.worker, topic));
    // Dask answers nil to an operation that nobody registered.
    if (reply === null) throw new TaskglassError('DEBUG_UNAVAILABLE', `${nameOf(target)} does not know the question`);
    if (isRecord(reply) && reply.status === 'missing') throw noTopic(topic ?? 'index');
    if (!isRecord(reply) || reply.status !== 'OK' || typeof reply.json !== 'string') {
      throw new TaskglassError('PROTOCOL_ERROR', `${nameOf(target)} gave another answer than a debug page`);
    }
    try {
      return JSON.parse(reply.json);
    } catch (error) {
      throw new TaskglassError('PROTOCOL_ERROR', `${nameOf(target)}: a debug page that is no JSON`, { cause: error });
    }
  }

  #askScheduler(topic: string | null): Promise<DaskValue> {
    const { scheduler } = this.#known;
    if (scheduler === undefined) throw new TaskglassError('NO_CLUSTER', 'the scheduler has not been reached yet');
    // Not asked in vain: it would write a warning into its log each time.
    if (!(DEBUG_SERVICE in scheduler)) throw unlisted('the scheduler');
    return this.#call(OP, { topic }, 'the scheduler');
  }

  async #askWorker(nameOrAddress: string, topic: string | null): Promise<DaskValue> {
    const worker = this.#known.worker(nameOrAddress);
    if (worker === undefined) throw new TaskglassError('NOT_FOUND', 'no such worker is connected');
    if (!(DEBUG_SERVICE in worker.services)) throw unlisted(`worker ${worker.address}`);
    // How the worker may answer is handed on from what the scheduler is told.
    return await this.#call('proxy', { worker: worker.address, msg: { op: OP, topic } }, `worker ${worker.address}`);
  }

  async #call(op: string, args: Record<string, unknown>, who: string): Promise<DaskValue> {
    try {
      return await this.#rpc.call(op, args, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      if (!(error instanceof TaskglassError)) throw error;
      const { code, detail } = error;
      if (code === 'CONNECT_TIMEOUT') {
        throw new TaskglassError('DEBUG_TIMEOUT', `${who}: nothing within ${this.#timeoutMs / 1000} s`, {
          cause: error,
        });
      }
      // The scheduler could not reach it, or lost it meanwhile: then it raises, or closes our connection.
      if (op === 'proxy' && (code === 'LINK_CLOSED' || UNREACHED.test(detail))) {
        throw new TaskglassError('DEBUG_TIMEOUT', `${who}: ${detail}`, { cause: error });
      }
      throw error;
    }
  }
}

function nameOf(target: DebugTarget): string {
  return target.role === 'scheduler' ? 'the scheduler' : `worker ${target.worker}`;
}

function unlisted(who: string): TaskglassError {
  return new TaskglassError('DEBUG_UNAVAILABLE', `${who} lists no ${DEBUG_SERVICE} among its services`);
}

function noTopic(topic: string): TaskglassError {
  return new TaskglassError('NOT_FOUND', `that process has no debug page ${JSON.stringify(topic.slice(0, 64))}`);
}
