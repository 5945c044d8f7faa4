import type { Replica } from '../../store/replica.ts';
import { plural } from '../format.ts';

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
  return { records: replica.runs.at(-1)?.records ?? 0, where };
}
