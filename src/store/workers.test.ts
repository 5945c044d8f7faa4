import { describe, expect, it } from 'vitest';
import type { WorkerInfo, WorkerMetrics } from '../model/source-event.ts';
import { summarise } from './resources.ts';
import { WorkerTable } from './workers.ts';

const info = (worker: number, nthreads: number): WorkerInfo => ({
  worker,
  address: `tcp://10.0.0.${worker}:1`,
  name: `w${worker}`,
  host: '10.0.0.1',
  nthreads,
  memoryLimit: 1_000 * worker,
  version: '',
  pid: worker,
  ...{ nanny: '', localDirectory: '', services: {} },
});

const metrics = (cpu: number, process: number, spilled: number): WorkerMetrics => ({
  ...{ lastSeen: 1, cpu, process, spilled, managed: 0, unmanagedOld: 0, unmanagedRecent: 0 },
  ...{ networkRead: 0, networkWrite: 0, diskRead: 0, diskWrite: 0, fds: 0, eventLoopInterval: 0, latency: 0 },
});

describe('the totals of workers', () => {
  it('are nothing but the number of workers and threads while none has reported', () => {
    const table = new WorkerTable();
    table.add(info(1, 4));
    expect(table.totals()).toEqual({ workers: 1, threads: 4, cpu: 0, memory: 0, memoryLimit: 0, spilled: 0 });
  });

  it('are those of the workers that are there; of CPU and memory, of those that have reported', () => {
    const table = new WorkerTable();
    for (const [worker, nthreads] of [4, 2, 8, 1].entries()) table.add(info(worker + 1, nthreads));
    table.sample([
      { worker: 1, metrics: metrics(200, 100, 7) },
      { worker: 2, metrics: metrics(200, 50, Number.NaN) },
      { worker: 3, metrics: metrics(800, 1_000, 9) },
    ]);
    table.remove(3, 5);
    const totals = table.totals();
    expect(totals).toEqual({ workers: 3, threads: 7, cpu: 75, memory: 150, memoryLimit: 7_000, spilled: 7 });
    // What is sampled over time says the same.
    const { cpu, memory, memoryLimit } = totals;
    expect(summarise(table)).toMatchObject({ cpu, memory, memoryLimit });
  });
});
