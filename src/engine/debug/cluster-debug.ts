import { TaskglassError } from '../../base/errors.ts';
import { DEBUG_SERVICE, type DebugIndex, type DebugView } from '../../model/debug.ts';
import { DebugServer } from '../../serving/debug-server.ts';
import { readPageFiles } from '../../serving/page-files.ts';
import type { ClusterCore } from '../cluster-core.ts';
import type { DebugTarget } from '../dashboard/messages.ts';
import type { DashboardSettings } from '../dashboard/options.ts';
import { pageFolder } from '../entry.ts';
import type { ClusterDebug } from '../observing/watched-cluster.ts';
import type { DebugMessage } from '../protocol.ts';
import type { WorkerState } from '../scheduling/task.ts';
import { ENGINE_VERSION } from '../version.ts';
import { EventLoopTopic } from './event-loop.ts';
import { ProcessTopic } from './process-topic.ts';
import { ProfileTopic } from './profile-topic.ts';
import { schedulerHistory } from './scheduler-history.ts';
import type { SchedulerRecord } from './scheduler-record.ts';
import { schedulerTopics } from './scheduler-topics.ts';
import { TopicSet } from './topic.ts';

/** A worker's main thread never runs a task: one that is silent for so long is stopped or gone. */
const PATIENCE_MS = 5_000;

/** The debug pages of a cluster's processes: the scheduler's own, and the workers' over the channels to them. */
export class SchedulerDebug implements ClusterDebug {
  readonly #core: ClusterCore;
  readonly #topics: TopicSet;
  readonly #questions = new Map<number, (answer: DebugMessage | null) => void>();
  #server: DebugServer | null = null;
  #asked = 0;

  constructor(core: ClusterCore, record: SchedulerRecord) {
    this.#core = core;
    const { address } = core;
    const identity = { role: 'scheduler', name: address, address, engine: 'embedded' } as const;
    this.#topics = new TopicSet(
      () => ({ ...identity, version: ENGINE_VERSION, pid: process.pid }),
      [
        new EventLoopTopic(),
        ...schedulerTopics(core),
        ...schedulerHistory(core, record),
        new ProfileTopic(
          'The scheduler shares its process and its main thread with the program that started the cluster.',
        ),
        new ProcessTopic(),
      ],
    );
  }

  /** Serves the scheduler's own pages from this process. A cluster works without them: what hinders is in the log. */
  async serve({ host, debugPort, token, allowHosts }: DashboardSettings): Promise<void> {
    try {
      const page = () => readPageFiles(pageFolder());
      this.#server = await DebugServer.start({ host, port: debugPort, token, allowHosts, pages: this.#topics, page });
      if (this.#core.closed) this.close();
      else this.#core.services[DEBUG_SERVICE] = this.#server.port;
    } catch (error) {
      this.#core.note('debug', `no debug pages of the scheduler: ${(error as Error).message}`);
    }
  }

  index(target: DebugTarget): Promise<DebugIndex> {
    if (target.role === 'scheduler') return Promise.resolve(this.#topics.index());
    return this.#ask(target.worker, null) as Promise<DebugIndex>;
  }

  view(target: DebugTarget, topic: string): Promise<DebugView> {
    if (target.role === 'scheduler') return this.#topics.view(topic);
    return this.#ask(target.worker, topic) as Promise<DebugView>;
  }

  /** A worker's answer. */
  answered(message: DebugMessage): void {
    this.#questions.get(message.id)?.(message);
  }

  close(): void {
    this.#server?.close();
    for (const settle of [...this.#questions.values()]) settle(null);
  }

  async #ask(name: string, topic: string | null): Promise<DebugIndex | DebugView> {
    const worker = this.#find(name);
    const id = ++this.#asked;
    let timer: NodeJS.Timeout | undefined;
    try {
      const { view, error } = await new Promise<DebugMessage>((resolve, reject) => {
        timer = setTimeout(() => {
          reject(new TaskglassError('DEBUG_TIMEOUT', `worker ${worker.name} is silent for ${PATIENCE_MS / 1000} s`));
        }, PATIENCE_MS).unref();
        this.#questions.set(id, (answer) => {
          if (answer === null) reject(new TaskglassError('CLUSTER_CLOSED', this.#core.address));
          else resolve(answer);
        });
        this.#core.send(worker, { op: 'debug', id, topic });
      });
      if (error !== undefined) throw new TaskglassError('INTERNAL', `worker ${worker.name}: ${error}`);
      if (view === null) throw new TaskglassError('NOT_FOUND', 'this process has no topic of that name');
      return view;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(id);
    }
  }

  #find(name: string): WorkerState {
    for (const worker of this.#core.scheduler.workers) {
      if (worker.name === name || worker.address === name) return worker;
    }
    throw new TaskglassError('NOT_FOUND', 'the cluster has no worker of that name or address');
  }
}
