import type { DebugIndex, DebugView } from '../model/debug.ts';
import type { Duration } from '../model/units.ts';
import type { FunctionDefinition } from './functions/function-ref.ts';

/**
 * What the scheduler's process and its worker processes say to each other, over the channel that
 * `child_process.fork` makes. Each direction sends arrays of these, one array per turn of the event loop.
 * All times are {@link monotonic} seconds.
 */
export type ToWorker = ComputeOp | DropOp | HeartbeatAck | DebugOp | { readonly op: 'close' };

export interface ComputeOp {
  readonly op: 'compute';
  readonly key: string;
  /** Tells this assignment from earlier ones of the same key. */
  readonly attempt: number;
  readonly functionId: string;
  /** Sent the first time that a worker meets the function. */
  readonly definition?: FunctionDefinition;
  /** The serialised arguments; futures in them are replaced by tokens. */
  readonly args: Uint8Array;
  /** Tokens are this string followed by an index into `inputs`. Empty when there are none. */
  readonly token: string;
  readonly inputs: readonly InputRef[];
}

/** A result that a task needs. */
export interface InputRef {
  readonly key: string;
  readonly attempt: number;
  readonly nbytes: number;
  /** Addresses of the workers that hold it. */
  readonly holders: readonly string[];
}

/** Forget one attempt of a task, in whatever state it is: waiting, running or stored. */
export interface DropOp {
  readonly op: 'drop';
  readonly key: string;
  readonly attempt: number;
  /** Stop the thread if it runs; otherwise it may finish and its result is thrown away. */
  readonly abort: boolean;
}

interface HeartbeatAck {
  readonly op: 'heartbeat-ack';
  readonly sent: Duration;
}

/** Asks for a topic of the worker's debug pages, or what topics there are. */
interface DebugOp {
  readonly op: 'debug';
  readonly id: number;
  readonly topic: string | null;
}

export type FromWorker =
  | ReadyMessage
  | FinishedMessage
  | ErredMessage
  | FetchedMessage
  | MissingMessage
  | RunningMessage
  | HeartbeatMessage
  | StatusMessage
  | DebugMessage;

export interface ReadyMessage {
  readonly op: 'ready';
  /** `tcp://127.0.0.1:PORT`: where results are fetched. */
  readonly address: string;
  readonly pid: number;
  /** Names of the global scope of a pool thread. */
  readonly globals: readonly string[];
  /** Ports by name that it listens on besides. */
  readonly services: Readonly<Record<string, number>>;
}

export interface StartStop {
  readonly action: 'compute' | 'transfer';
  readonly start: Duration;
  readonly stop: Duration;
  /** The address that a transfer came from. */
  readonly source?: string;
  readonly nbytes?: number;
}

interface Outcome {
  readonly key: string;
  readonly attempt: number;
  /** 1, 2, …: the lowest number that no other thread of the worker has. */
  readonly thread: number;
  readonly startstops: readonly StartStop[];
}

export interface FinishedMessage extends Outcome {
  readonly op: 'finished';
  readonly nbytes: number;
  readonly type: string;
}

export interface ErredMessage extends Outcome {
  readonly op: 'erred';
  readonly error: RemoteError;
}

/** An exception that happened in a task, as text. */
export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
}

/** Results of other workers that this one holds now as well. */
export interface FetchedMessage {
  readonly op: 'fetched';
  readonly results: readonly { readonly key: string; readonly attempt: number }[];
}

/** Inputs that could not be fetched; the task is not tried any more. */
export interface MissingMessage {
  readonly op: 'missing';
  readonly key: string;
  readonly attempt: number;
  /** What a holder that answered does not have. */
  readonly absent: readonly { readonly key: string; readonly attempt: number; readonly holder: string }[];
}

/** Tasks that have been running for a little while. Tiny tasks never appear. */
export interface RunningMessage {
  readonly op: 'running';
  readonly tasks: readonly { readonly key: string; readonly attempt: number; readonly start: Duration }[];
}

/** Readings of a worker process. NaN where this system does not say. */
export interface WorkerReadings {
  /** Percent of one core. */
  readonly cpu: number;
  readonly process: number;
  readonly managed: number;
  readonly unmanagedOld: number;
  readonly unmanagedRecent: number;
  readonly networkRead: number;
  readonly networkWrite: number;
  readonly diskRead: number;
  readonly diskWrite: number;
  readonly fds: number;
  readonly eventLoopInterval: Duration;
  readonly latency: Duration;
  readonly executing: number;
}

interface HeartbeatMessage {
  readonly op: 'heartbeat';
  readonly sent: Duration;
  readonly readings: WorkerReadings;
}

interface StatusMessage {
  readonly op: 'status';
  readonly status: 'running' | 'paused';
}

/** `view`: null where the worker has no such topic, or reading it failed with `error`. */
export interface DebugMessage {
  readonly op: 'debug';
  readonly id: number;
  readonly view: DebugIndex | DebugView | null;
  readonly error?: string;
}

/** What a pool thread is given. */
export interface ThreadJob {
  readonly functionId: string;
  readonly definition: FunctionDefinition;
  readonly args: Uint8Array;
  readonly token: string;
  readonly inputs: readonly Uint8Array[];
}

export type ThreadResult =
  | {
      readonly ok: true;
      readonly data: Uint8Array;
      readonly type: string;
      readonly thread: number;
      readonly start: Duration;
      readonly stop: Duration;
    }
  | {
      readonly ok: false;
      readonly error: RemoteError;
      readonly thread: number;
      readonly start: Duration;
      readonly stop: Duration;
    };

/** How a worker process is told who it is, in its environment. */
export const WORKER_SETTINGS = 'TASKGLASS_WORKER';

export interface WorkerSettings {
  readonly name: string;
  readonly threads: number;
  /** 0 = no limit. */
  readonly memoryLimit: number;
  /** What a process must say before it may fetch results. Known to the processes of one cluster only. */
  readonly secret: string;
  readonly heartbeatMs: number;
  /** Makes epoch seconds of the monotonic clock, in what debug pages show. */
  readonly clockOffset: Duration;
  /** Where its debug pages are served; null = it has none. */
  readonly debug: WorkerDebugSettings | null;
}

export interface WorkerDebugSettings {
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  readonly allowHosts: readonly string[];
}
