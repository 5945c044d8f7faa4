import { DEBUG_SERVICE } from '../../model/debug.ts';
import { workerPath } from '../../model/worker-path.ts';

export interface OtherProcess {
  readonly title: string;
  /** Path of its debug page. */
  readonly href: string;
}

interface Listed {
  readonly address?: unknown;
  readonly name?: unknown;
  readonly services?: Readonly<Record<string, unknown>>;
}

/** The processes of the cluster that have debug pages, as the main server knows them; none when it does not say. */
export async function otherProcesses(pages: string): Promise<OtherProcess[]> {
  const [cluster, workers] = await Promise.all([read(`${pages}api/v1/cluster`), read(`${pages}api/v1/workers`)]);
  const found: OtherProcess[] = [];
  if (hasPages(cluster as Listed | null)) found.push({ title: 'Scheduler', href: `${pages}scheduler/debug` });
  const listed = (workers as { workers?: unknown } | null)?.workers;
  const all = (Array.isArray(listed) ? (listed as Listed[]) : []).map((worker) => ({
    address: String(worker.address),
    name: String(worker.name),
    alive: true,
    listed: hasPages(worker),
  }));
  for (const worker of all.filter((one) => one.listed)) {
    const title = `Worker ${worker.name || worker.address}`;
    found.push({ title, href: `${pages}workers/${encodeURIComponent(workerPath(worker, all))}/debug` });
  }
  return found;
}

function hasPages(process: Listed | null): boolean {
  return process?.services !== undefined && DEBUG_SERVICE in process.services;
}

async function read(path: string): Promise<unknown> {
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' } });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
