import type { ConformanceHarness, ConformanceNeed, HangingTask, HeldResults } from '../../src/source/conformance.ts';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { type ClusterOptions, DaskCluster, Driver } from './cluster.ts';

/** A real Dask cluster of two workers with two threads each, for the conformance suite. */
export class DaskHarness implements ConformanceHarness, AsyncDisposable {
  readonly engine = 'dask';
  readonly workers = 2;
  readonly threadsPerWorker = 2;
  readonly cluster: DaskCluster;
  readonly driver: Driver;
  readonly lacks: readonly ConformanceNeed[];

  private constructor(cluster: DaskCluster, driver: Driver, lacks: readonly ConformanceNeed[]) {
    this.lacks = lacks;
    this.cluster = cluster;
    this.driver = driver;
  }

  static async start(options: ClusterOptions, lacks: readonly ConformanceNeed[] = []): Promise<DaskHarness> {
    const cluster = await DaskCluster.start({ workers: 2, threads: 2, ...options });
    try {
      const driver = await Driver.start(options.python, cluster.address, options.env);
      await driver.do('wait_for_workers', { count: 2 });
      return new DaskHarness(cluster, driver, lacks);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  createSource(): DaskSource {
    return new DaskSource(this.cluster.address);
  }

  async example(): Promise<HeldResults> {
    const { parts, total } = await this.driver.do<{ parts: string; total: string }>('example');
    return {
      release: async () => void (await this.driver.do('release', { token: parts })),
      releaseAll: async () => void (await this.driver.do('release', { token: total })),
    };
  }

  async fail(message: string): Promise<void> {
    await this.driver.do('fail', { message });
  }

  async transfer(): Promise<void> {
    await this.driver.do('transfer');
  }

  async snooze(seconds: number): Promise<void> {
    await this.driver.do('snooze', { seconds });
  }

  async hang(): Promise<HangingTask> {
    const task = await this.driver.do<{ key: string; worker: string; pid: number; directory: string; token: string }>(
      'hang',
    );
    return {
      key: task.key,
      worker: task.worker,
      killWorker: async () => {
        process.kill(task.pid, 'SIGKILL');
      },
      stop: async () => void (await this.driver.do('stop', { directory: task.directory, token: task.token })),
    };
  }

  traces(): Promise<unknown> {
    return this.driver.do('traces');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver.stop();
    await this.cluster.stop();
  }
}
