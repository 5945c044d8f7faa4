import { setTimeout as sleep } from 'node:timers/promises';
import { TaskglassError } from '../../base/errors.ts';
import { CLUSTER_ACTIONS, type ClusterAction, type ClusterActionName } from '../../model/cluster-action.ts';
import type { ActionAccess } from '../source.ts';
import { readActionSource } from './agent-source.ts';
import { connect } from './comm/comm.ts';
import { deserialize } from './comm/deserialize.ts';
import { type DaskValue, Serialized } from './comm/message.ts';
import { isRecord } from './comm/msgpack.ts';
import { type Picklable, pickle, pickleModule } from './comm/pickle.ts';
import { isRefusal, Rpc } from './comm/rpc.ts';
import type { TlsOptions } from './comm/tls.ts';
import { keyFromText } from './python-key-parse.ts';
import type { SchedulerAbilities } from './tick-decoder.ts';

/** A nanny may take its time to end a worker and start another. */
const RESTART_S = 30;
const CALL_MS = 10_000;
/** A scheduler does within this what it does at once. */
const SETTLED_MS = 3_000;

/** What the handlers of a scheduler do when they are asked to, and two functions of ours where it lets them run. */
export class DaskActions implements ActionAccess, Disposable {
  readonly #address: () => string;
  readonly #abilities: () => SchedulerAbilities | null;
  readonly #tls: TlsOptions | undefined;
  readonly #rpc: Rpc;

  /** `abilities`: null as long as nobody knows. */
  constructor(address: () => string, abilities: () => SchedulerAbilities | null, tls?: TlsOptions) {
    this.#address = address;
    this.#abilities = abilities;
    this.#tls = tls;
    this.#rpc = new Rpc(address, { ...(tls && { tls }) });
  }

  get names(): readonly ClusterActionName[] {
    const { runsFunctions = true, tellsRunsApart = true } = this.#abilities() ?? {};
    return CLUSTER_ACTIONS.filter(
      (name) =>
        (runsFunctions || (name !== 'rerun-task' && name !== 'restart-task')) &&
        (tellsRunsApart || name !== 'restart-task'),
    );
  }

  [Symbol.dispose](): void {
    this.#rpc.close();
  }

  async run({ name, target }: ClusterAction): Promise<string> {
    try {
      switch (name) {
        case 'restart-worker':
          return await this.#restart(target);
        case 'retire-worker':
          return await this.#retire(target);
        case 'cancel-task':
          return await this.#cancel(await this.#find(target));
        case 'retry-task':
          return await this.#retry(await this.#find(target));
        case 'rerun-task':
          return await this.#runAgain('rerun', await this.#find(target));
        case 'restart-task':
          return await this.#runAgain('restart', await this.#find(target));
      }
    } catch (error) {
      if (isRefusal(error)) throw new TaskglassError('ACTION_FAILED', error.detail, { cause: error });
      throw error;
    }
  }

  /** Its nanny starts the worker anew; the scheduler asks it, so that no other port need be open. */
  async #restart(worker: string): Promise<string> {
    const info = await this.#worker(worker);
    if (typeof info.nanny !== 'string' || info.nanny === '') {
      throw new TaskglassError('ACTION_FAILED', `worker ${worker} has no nanny that could start it again`);
    }
    const msg = { op: 'restart', timeout: RESTART_S };
    const args = { msg, workers: [worker], nanny: true };
    const reply = await this.#rpc.call('broadcast', args, { timeoutMs: (RESTART_S + 5) * 1_000 });
    const said = isRecord(reply) ? Object.values(reply)[0] : reply;
    if (said !== 'OK') throw new TaskglassError('ACTION_FAILED', `the nanny of ${worker} says ${textOf(said)}`);
    return 'the worker was started anew';
  }

  async #retire(worker: string): Promise<string> {
    await this.#worker(worker);
    const args = { workers: [worker], close_workers: true, remove: true, stimulus_id: stimulus('retire') };
    const reply = await this.#rpc.call('retire_workers', args, { timeoutMs: 120_000 });
    // Where its data could not be moved to others it stays.
    if (!isRecord(reply) || !(worker in reply)) {
      throw new TaskglassError('ACTION_FAILED', `worker ${worker} was not retired: ${textOf(reply)}`);
    }
    return 'its data was moved and the worker closed';
  }

  /** For everybody who wants it, and what depends on it, as `client.cancel(…, force=True)` does. */
  async #cancel(key: DaskValue): Promise<string> {
    // Up to 2024 this is a call, which comes to nothing later; since then it is a message of a client that has registered.
    await this.#call('cancel', { keys: [key], client: 'fire-and-forget', force: true });
    if (!(await this.#isGone(key, SETTLED_MS / 6))) await this.#cancelAsClient(key);
    if (!(await this.#isGone(key, SETTLED_MS))) {
      throw new TaskglassError('ACTION_FAILED', 'the scheduler still has the task: something else needs its result');
    }
    return 'the task was cancelled';
  }

  async #cancelAsClient(key: DaskValue): Promise<void> {
    const client = `taskglass-${process.pid}-${Date.now()}`;
    const comm = await connect(this.#address(), { ...(this.#tls && { tls: this.#tls }) });
    try {
      comm.write({ op: 'register-client', client, reply: false, versions: {} });
      await comm.read();
      const why = { reason: 'cancelled', msg: 'cancelled in Taskglass' };
      comm.write([{ op: 'cancel-keys', keys: [key], client, force: true, ...why }]);
      await this.#isGone(key, SETTLED_MS);
    } finally {
      comm.close();
    }
  }

  async #retry(key: DaskValue): Promise<string> {
    if ((await this.#state(key)) !== 'erred') throw new TaskglassError('ACTION_FAILED', 'the task is not erred');
    await this.#call('retry', { keys: [key], client: null });
    return 'it runs again, with what made it err';
  }

  /** Dask has no operation for it that says no where data would be lost, so this is looked at and done in one step over there. */
  async #runAgain(what: 'rerun' | 'restart', key: DaskValue): Promise<string> {
    const run = pickleModule(await readActionSource('run_again'), what);
    const reply = await this.#call('run_function', { function: run, args: pickle([picklable(key)]) });
    const sent = isRecord(reply) && reply.status === 'OK' ? reply.result : undefined;
    const result = sent instanceof Serialized ? await deserialize(sent) : sent;
    if (isRecord(result)) {
      if (typeof result.done === 'string') return result.done;
      if (typeof result.refused === 'string') throw new TaskglassError('ACTION_FAILED', result.refused);
    }
    throw new TaskglassError('ACTION_FAILED', `the scheduler could not: ${textOf(reply)}`);
  }

  async #isGone(key: DaskValue, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    for (;;) {
      const state = await this.#state(key);
      if (state === null || state === 'forgotten' || state === 'released') return true;
      if (performance.now() >= until) return false;
      await sleep(50);
    }
  }

  /** A key as the scheduler has it: old ones have tuples as text, newer ones as tuples. Throws NOT_FOUND. */
  async #find(text: string): Promise<DaskValue> {
    for (const key of [text, keyFromText(text)]) {
      if (key !== undefined && (await this.#state(key)) !== null) return key;
    }
    throw new TaskglassError('NOT_FOUND', 'the scheduler has no task of that key, or has it no more');
  }

  async #state(key: DaskValue): Promise<string | null> {
    const reply = await this.#call('get_task_status', { keys: [key] });
    const [state] = reply instanceof Map ? reply.values() : isRecord(reply) ? Object.values(reply) : [];
    return typeof state === 'string' ? state : null;
  }

  async #worker(address: string): Promise<{ readonly [key: string]: DaskValue }> {
    const identity = await this.#call('identity', {});
    const workers = isRecord(identity) && isRecord(identity.workers) ? identity.workers : {};
    const info = Object.hasOwn(workers, address) ? workers[address] : undefined;
    if (!isRecord(info)) throw new TaskglassError('NOT_FOUND', 'no such worker is connected');
    return info;
  }

  #call(op: string, args: Record<string, unknown>): Promise<DaskValue> {
    return this.#rpc.call(op, args, { timeoutMs: CALL_MS });
  }
}

/** A key that was found is text, or a tuple of text, numbers and such tuples. */
function picklable(key: DaskValue): Picklable {
  if (typeof key === 'string' || typeof key === 'number') return key;
  if (Array.isArray(key)) return key.map(picklable);
  throw new TaskglassError('NOT_FOUND', 'no task has such a key');
}

function stimulus(what: string): string {
  return `taskglass-${what}-${Date.now()}`;
}

function textOf(value: DaskValue | undefined): string {
  return typeof value === 'string' ? value.slice(0, 200) : JSON.stringify(value ?? null).slice(0, 200);
}
