import type { Logger } from 'pino';
import { TaskglassError } from '../../base/errors.ts';
import { RecordingIndex } from '../../recording/overview.ts';
import type { PageMemory } from '../../store/paging/page-memory.ts';
import { type OpenedLimits, OpenedRecordings } from '../history/opened-recordings.ts';
import { pathOf } from '../routes/reply.ts';
import type { Mount } from './mounts.ts';
import type { PublisherLimits } from './publisher.ts';
import type { Watched } from './watched.ts';

/** A cluster that is watched, and where its pages lie. */
export interface Place {
  /** As users call it; empty: by its address. */
  readonly name: string;
  /** Relative to the root: empty, or `clusters/ID/`. */
  readonly pages: string;
  readonly watched: Watched;
}

export interface PlacesOptions {
  readonly clusters: readonly [Place, ...Place[]];
  /** The folder of recordings; null where there is none. */
  readonly folder: string | null;
  readonly memory: PageMemory;
  readonly limits?: Partial<PublisherLimits & OpenedLimits> | undefined;
  readonly logger: Logger;
}

/** What a server does first goes before. */
const READ_AFTER_MS = 5_000;
const PAGES_OF_CLUSTER = /^clusters\/[A-Za-z0-9][A-Za-z0-9._~-]{0,63}\/$/;

/** Everything that one server shows, and where: its clusters, and the recordings in its folder. */
export class Places {
  readonly clusters: readonly [Place, ...Place[]];
  /** Null: this server has no folder of recordings. */
  readonly recordings: RecordingIndex | null;
  readonly opened: OpenedRecordings | null;
  #reading: NodeJS.Timeout | undefined;

  /** @throws OPTION_INVALID for clusters that cannot be told apart in an address. */
  constructor({ clusters, folder, memory, limits, logger }: PlacesOptions) {
    const paths = clusters.map(({ pages }) => pages);
    const bad = paths.find((one, i) => (i > 0 && !PAGES_OF_CLUSTER.test(one)) || paths.indexOf(one) !== i);
    if (bad !== undefined)
      throw new TaskglassError('OPTION_INVALID', `"${bad}": two clusters of that name, or no name`);
    this.clusters = clusters;
    this.recordings = folder === null ? null : new RecordingIndex(folder);
    this.opened = this.recordings && new OpenedRecordings(this.recordings, memory, logger, limits);
  }

  get mounts(): readonly [Mount, ...Mount[]] {
    const [first, ...others] = this.clusters;
    const mounts: [Mount, ...Mount[]] = [{ path: '', depth: 0, of: () => first.watched }];
    if (others.length > 0) {
      mounts.push({
        path: '/clusters/:cluster',
        depth: 2,
        of: ({ params }) => {
          const { cluster } = params as { cluster: string };
          const found = others.find(({ pages }) => pages === `clusters/${cluster}/`);
          if (found === undefined) throw new TaskglassError('NOT_FOUND', 'no cluster of that name is watched');
          return found.watched;
        },
      });
    }
    const { opened } = this;
    if (opened !== null) {
      mounts.push({
        path: '/recordings/:recording',
        depth: 2,
        of: (request) => opened.of((request.params as { recording: string }).recording, patienceOf(pathOf(request))),
      });
    }
    return mounts;
  }

  /** What cannot be reached is waited for where there are several: one that is away does not keep the others from being seen. */
  async start({ wait }: { readonly wait: boolean }): Promise<void> {
    const several = this.clusters.length > 1;
    await Promise.all(this.clusters.map(({ watched }) => watched.start({ wait: wait || several })));
    // So that the first one who asks for the list need not wait for all of it to be read.
    const { recordings } = this;
    if (recordings !== null)
      this.#reading = setTimeout(() => void recordings.list().catch(() => {}), READ_AFTER_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#reading);
    const closing = [...this.clusters.map(({ watched }) => watched.close()), this.opened?.closeAll()];
    const failed = (await Promise.allSettled(closing)).filter((result) => result.status === 'rejected');
    if (failed.length > 0) throw new AggregateError(failed.map(({ reason }) => reason as unknown));
  }
}

/** How long a request waits for a recording to be read, ms: programs want all of it, people what there is. */
function patienceOf(path: string): number {
  if (/\/api\/v1\/export\/?$/.test(path)) return 30_000;
  return /\/api\/v1\/(?!live\/?$)/.test(path) ? 2_000 : 0;
}
