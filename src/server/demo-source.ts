import { TaskglassError } from '../base/errors.ts';
import { LocalCluster, type LocalClusterOptions, runExample } from '../engine/index.ts';
import type { SourceSink } from '../model/source-event.ts';
import { EmbeddedSource } from '../source/embedded.ts';
import type { Source } from '../source/source.ts';

/** The embedded engine as `taskglass demo` has it: its cluster begins and ends with the source, and runs the example. */
export class DemoSource implements Source {
  readonly #options: LocalClusterOptions;
  #cluster: LocalCluster | null = null;
  #inner: EmbeddedSource | null = null;
  #starting: Promise<LocalCluster> | null = null;
  #closed = false;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** @throws OPTION_INVALID, WORKER_START_FAILED */
  async start(sink: SourceSink): Promise<void> {
    this.#starting = LocalCluster.start(this.#options);
    const cluster = await this.#starting;
    if (this.#closed) throw new TaskglassError('CLUSTER_CLOSED', 'closed while it started');
    this.#cluster = cluster;
    this.#inner = new EmbeddedSource(cluster);
    await this.#inner.start(sink);
  }

  /** Where clients of the cluster find the pages. */
  announce(port: number): void {
    this.#cluster?.setService('dashboard', port);
  }

  /** Resolves when the example is done and everything of it is released. */
  async example(): Promise<void> {
    if (this.#cluster === null) throw new TaskglassError('CLUSTER_CLOSED', 'it has not started yet');
    using client = this.#cluster.client();
    await runExample(client);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#inner?.close();
    // A cluster that is still starting is ended as soon as it has begun: its processes would outlive us.
    const cluster = await this.#starting?.catch(() => null);
    await cluster?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
