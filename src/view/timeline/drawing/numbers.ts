import type { RunView } from '../../../model/batch.ts';
import type { Replica } from '../../../store/replica.ts';
import { plural } from '../../format.ts';

/** Finished tasks in all when a state of the runs came: runs are told of less often than totals. */
const totalsWhen = new WeakMap<readonly RunView[], number>();

/** Finished tasks of the last run, up to the last thing heard. */
export function recordsOfLastRun({ runs, totals }: Pick<Replica, 'runs' | 'totals'>): number {
  const last = runs.at(-1);
  if (last === undefined) return 0;
  const total = totals?.records ?? 0;
  const then = totalsWhen.get(runs) ?? total;
  totalsWhen.set(runs, then);
  return last.records + Math.max(0, total - then);
}

/** What titles of streams say: finished tasks of the last run, and `8 threads on 2 workers · 1 host`. */
export function streamNumbers(replica: Replica): { readonly records: number; readonly where: string } {
  const hosts = new Set<string>();
  const workers = new Set<string>();
  let threads = 0;
  for (const track of replica.tracks) {
    if (track === undefined || !track.alive) continue;
    threads++;
    hosts.add(track.host);
    workers.add(track.address);
  }
  const where = `${plural(threads, 'thread')} on ${plural(workers.size, 'worker')} · ${plural(hosts.size, 'host')}`;
  return { records: recordsOfLastRun(replica), where };
}
