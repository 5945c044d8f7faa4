import { TaskglassError } from '../../base/errors.ts';
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

let source: Promise<string> | undefined;

/**
 * Puts the agent into a scheduler. It stays exactly as long as the connection. Throws what `connect` throws,
 * NOT_A_SCHEDULER for another Dask process, AGENT_REFUSED where the scheduler does not let us in this way.
 */
export async function attachAgent(
  address: string,
  route: AgentRoute,
  resume: ResumePoint | undefined,
  options: ConnectOptions = {},
): Promise<Attachment> {
  source ??= readAgentSource();
  const text = await source;
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
    setup: pickleModule(text, 'setup', { __interval__: TICK_INTERVAL_S, __opts__: options }),
    function: pickleExpression('lambda scheduler, agent: agent.tick(scheduler)'),
    teardown: pickleExpression('lambda scheduler, agent: agent.detach(scheduler)'),
  });
}

/**
 * `feed` written out, as a coroutine that writes to its own connection, which it finds in its caller's frame. The scheduler
 * keeps what it ran among its events, so the agent's text comes after it, over that same connection.
 */
const RUN_SOURCE = `
import asyncio, sys

async def taskglass_agent(dask_scheduler):
    comm = sys._getframe(1).f_locals["comm"]
    names = {"__name__": "taskglass_agent", "__interval__": __interval__, "__opts__": __opts__}
    await comm.write("ready")
    exec(compile(await comm.read(), "<taskglass agent>", "exec"), names)
    agent = names["setup"](dask_scheduler)
    try:
        while dask_scheduler.status.name == "running":
            await comm.write(agent.tick(dask_scheduler))
            await asyncio.sleep(__interval__)
    except OSError:
        pass
    finally:
        agent.detach(dask_scheduler)
`;

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
