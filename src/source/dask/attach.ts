import { TaskglassError } from '../../base/errors.ts';
import { ENTRY_SOURCE, RUN_SOURCE } from './agent-entry.ts';
import { readAgentSource } from './agent-source.ts';
import { type Comm, type ConnectOptions, connect } from './comm/comm.ts';
import { isRecord } from './comm/msgpack.ts';
import { type Picklable, pickleExpression, pickleModule } from './comm/pickle.ts';
import { callOn, remoteError } from './comm/rpc.ts';

/** Seconds between two ticks. */
export const TICK_INTERVAL_S = 0.1;

/** Where an earlier attachment left off; the agent says what happened since. Numbers are the scheduler's own. */
export interface ResumePoint {
  readonly id: string;
  /** `transition_counter` when everything received had happened. */
  readonly tc: number | null;
  /** How many records its task-stream buffer had seen by then, if it has one. */
  readonly index: number | null;
  /** Records received after that point. */
  readonly since: number;
}

export interface Attachment {
  readonly comm: Comm;
  /** The agent's first message. */
  readonly first: Uint8Array;
}

/** The handlers that run our agent, best first. */
export const AGENT_ROUTES = ['feed', 'run_function'] as const;
export type AgentRoute = (typeof AGENT_ROUTES)[number];

/** The agent itself says that it cannot run in that scheduler, whichever way it comes there. */
export class AgentUnfit extends TaskglassError {
  constructor(detail: string) {
    super('AGENT_REFUSED', detail);
  }
}

/**
 * Puts the agent into a scheduler. It stays exactly as long as the connection. Throws what `connect` throws,
 * NOT_A_SCHEDULER for another Dask process, AGENT_REFUSED where the scheduler does not let us in this way, as an `AgentUnfit`
 * where it would, but its Dask is none that the agent knows.
 */
export async function attachAgent(
  address: string,
  route: AgentRoute,
  resume: ResumePoint | undefined,
  options: ConnectOptions = {},
): Promise<Attachment> {
  const text = await readAgentSource();
  const comm = await connect(address, options);
  const timeoutMs = options.timeoutMs ?? 5_000;
  const timer = setTimeout(
    () =>
      comm.close(new TaskglassError('CONNECT_TIMEOUT', `${comm.address} accepted the connection but does not answer`)),
    timeoutMs,
  );
  const abort = (): void => comm.close();
  options.signal?.addEventListener('abort', abort);
  try {
    // An agent cannot be asked for more later than this, and who will look at it nobody knows yet.
    const agentOptions = { links: true, resume: resume === undefined ? null : ({ ...resume } satisfies Picklable) };
    if (route === 'feed') requestFeed(comm, text, agentOptions);
    else await requestRun(comm, text, agentOptions);
    const first = await comm.read();
    if (first instanceof Uint8Array) return { comm, first };
    // A worker or nanny has no such op, and a scheduler without pickle answers the same nil.
    if (first === null) throw await whoAnswers(address, options);
    const refusal = remoteError(first);
    if (isRecord(first) && first.agent === 'unfit') throw new AgentUnfit(refusal ?? 'it does not say why');
    throw new TaskglassError('AGENT_REFUSED', `${comm.address}: ${refusal ?? 'an answer that is not ours'}`);
  } catch (error) {
    comm.close();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  }
}

type AgentOptions = { readonly [key: string]: Picklable };

function requestFeed(comm: Comm, text: string, options: AgentOptions): void {
  comm.write({
    op: 'feed',
    reply: true,
    interval: TICK_INTERVAL_S,
    setup: pickleModule(ENTRY_SOURCE, 'load(__text__)', {
      __text__: text,
      __interval__: TICK_INTERVAL_S,
      __opts__: options,
    }),
    function: pickleExpression('lambda scheduler, agent: agent.tick(scheduler)'),
    teardown: pickleExpression('lambda scheduler, agent: agent.detach(scheduler)'),
  });
}

async function requestRun(comm: Comm, text: string, options: AgentOptions): Promise<void> {
  const variables = { __interval__: TICK_INTERVAL_S, __opts__: options };
  const run = pickleModule(RUN_SOURCE, 'taskglass_agent', variables);
  comm.write({ op: 'run_function', reply: true, serializers: ['msgpack', 'error'], function: run });
  const answer = await comm.read();
  if (answer === 'ready') return comm.write(text);
  throw new TaskglassError('AGENT_REFUSED', `${comm.address}: ${remoteError(answer) ?? 'an answer that is not ours'}`);
}

async function whoAnswers(address: string, options: ConnectOptions): Promise<TaskglassError> {
  const comm = await connect(address, options);
  try {
    const identity = await callOn(comm, 'identity', {}, options.timeoutMs ?? 5_000);
    const type = isRecord(identity) && typeof identity.type === 'string' ? identity.type.slice(0, 100) : 'nobody';
    return type === 'Scheduler'
      ? new TaskglassError('AGENT_REFUSED', `${comm.address}: pickle is switched off in its configuration`)
      : new TaskglassError('NOT_A_SCHEDULER', `${comm.address} is a Dask ${type.toLowerCase()}`);
  } catch (error) {
    return new TaskglassError('NOT_A_SCHEDULER', `${comm.address} does not say what it is`, { cause: error });
  } finally {
    comm.close();
  }
}
