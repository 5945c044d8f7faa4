import { readdir, readFile } from 'node:fs/promises';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { monotonic } from '../clock.ts';
import type { WorkerReadings } from '../protocol.ts';

/** Memory that nobody manages counts as recent until it has been there this long (Dask's rule). */
const RECENT_S = 30;

/** Readings of the process it runs in, since the previous reading. */
export class ReadingsTaker {
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  readonly #unmanaged: { at: number; bytes: number }[] = [];
  #cpu = process.cpuUsage();
  #at = monotonic();
  #host: HostCounters | null = null;

  constructor() {
    this.#loop.enable();
  }

  /** @param managed bytes of results held; @param latency of the last heartbeat */
  async take(managed: number, executing: number, latency: number): Promise<WorkerReadings> {
    const [host, fds] = await Promise.all([hostCounters(), openFiles()]);
    const now = monotonic();
    const seconds = Math.max(now - this.#at, 1e-3);
    const cpu = process.cpuUsage(this.#cpu);
    const before = this.#host;
    const rate = (name: keyof HostCounters) => (before === null ? Number.NaN : (host[name] - before[name]) / seconds);
    const rss = process.memoryUsage.rss();
    const unmanaged = Math.max(rss - managed, 0);
    const old = this.#oldest(now, unmanaged);
    const interval = this.#loop.mean / 1e9;
    this.#loop.reset();
    this.#cpu = process.cpuUsage();
    this.#at = now;
    this.#host = host;
    return {
      cpu: ((cpu.user + cpu.system) / 1e6 / seconds) * 100,
      process: rss,
      managed,
      unmanagedOld: old,
      unmanagedRecent: unmanaged - old,
      networkRead: rate('networkRead'),
      networkWrite: rate('networkWrite'),
      diskRead: rate('diskRead'),
      diskWrite: rate('diskWrite'),
      fds,
      eventLoopInterval: interval,
      latency,
      executing,
    };
  }

  /** The least unmanaged memory of the last half minute. */
  #oldest(now: number, bytes: number): number {
    const window = this.#unmanaged;
    window.push({ at: now, bytes });
    while (window[0]!.at < now - RECENT_S) window.shift();
    return window.reduce((least, sample) => Math.min(least, sample.bytes), bytes);
  }
}

interface HostCounters {
  readonly networkRead: number;
  readonly networkWrite: number;
  readonly diskRead: number;
  readonly diskWrite: number;
}

const SECTOR_BYTES = 512;

/** Bytes since the host started, over all network interfaces and disks. Only Linux says so without asking long. */
async function hostCounters(): Promise<HostCounters> {
  const [net, disk] = await Promise.all([lines('/proc/net/dev'), lines('/proc/diskstats')]);
  const interfaces = net?.slice(2).map((line) => fields(line.replace(':', ' '))) ?? [];
  // Partitions repeat what their disk counts, and loop and ram devices what the disk below them does.
  const disks = disk
    ?.map(fields)
    .filter((row) => /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(row[2] ?? ''));
  const sum = (rows: readonly string[][] | undefined, column: number) =>
    rows === undefined || rows.length === 0
      ? Number.NaN
      : rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
  return {
    networkRead: sum(interfaces, 1),
    networkWrite: sum(interfaces, 9),
    diskRead: sum(disks, 5) * SECTOR_BYTES,
    diskWrite: sum(disks, 9) * SECTOR_BYTES,
  };
}

async function openFiles(): Promise<number> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return Number.NaN;
  }
}

async function lines(path: string): Promise<string[] | undefined> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  } catch {
    return undefined;
  }
}

function fields(line: string): string[] {
  return line.trim().split(/\s+/);
}
