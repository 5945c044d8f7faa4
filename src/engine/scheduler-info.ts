import type { ClusterCore } from './cluster-core.ts';
import type { WorkerState } from './scheduling/task.ts';

/** What Dask's `client.scheduler_info()` gives, with its names. Numbers the system does not say are NaN. */
export interface SchedulerInfo {
  readonly type: 'Scheduler';
  readonly id: string;
  readonly address: string;
  readonly services: Readonly<Record<string, number>>;
  /** Seconds since epoch. */
  readonly started: number;
  readonly workers: Readonly<Record<string, WorkerInfoEntry>>;
}

export interface WorkerInfoEntry {
  readonly type: 'Worker';
  readonly id: string;
  readonly host: string;
  readonly name: string;
  readonly nthreads: number;
  readonly memory_limit: number;
  readonly last_seen: number;
  readonly services: Readonly<Record<string, number>>;
  readonly status: string;
  readonly pid: number;
  readonly metrics: {
    readonly cpu: number;
    readonly memory: number;
    readonly managed_bytes: number;
    readonly executing: number;
    readonly in_memory: number;
    readonly event_loop_interval: number;
    readonly num_fds: number;
    readonly host_net_io: { readonly read_bps: number; readonly write_bps: number };
    readonly host_disk_io: { readonly read_bps: number; readonly write_bps: number };
  };
}

export function schedulerInfo(core: ClusterCore): SchedulerInfo {
  const workers = [...core.scheduler.workers].map((worker) => [worker.address, workerInfo(core, worker)] as const);
  return {
    type: 'Scheduler',
    id: core.id,
    address: core.address,
    services: { ...core.services },
    started: core.started,
    workers: Object.fromEntries(workers),
  };
}

function workerInfo(core: ClusterCore, worker: WorkerState): WorkerInfoEntry {
  const heartbeat = core.heartbeats.get(worker);
  const readings = heartbeat?.readings;
  const number = (value: number | undefined): number => value ?? Number.NaN;
  return {
    type: 'Worker',
    id: worker.name,
    host: new URL(worker.address).hostname,
    name: worker.name,
    nthreads: worker.nthreads,
    memory_limit: worker.memoryLimit,
    last_seen: heartbeat?.time ?? core.started,
    services: { ...worker.services },
    status: worker.status,
    pid: worker.pid,
    metrics: {
      cpu: number(readings?.cpu),
      memory: number(readings?.process),
      managed_bytes: worker.nbytes,
      executing: readings?.executing ?? 0,
      in_memory: worker.holds.size,
      event_loop_interval: number(readings?.eventLoopInterval),
      num_fds: number(readings?.fds),
      host_net_io: { read_bps: number(readings?.networkRead), write_bps: number(readings?.networkWrite) },
      host_disk_io: { read_bps: number(readings?.diskRead), write_bps: number(readings?.diskWrite) },
    },
  };
}
