import { describe, expect, it } from 'vitest';
import type { WorkerView } from '../../model/batch.ts';
import { memoryTone, moodOf, type Sorting, tableRows } from './workers-rows.ts';

const GiB = 2 ** 30;

function worker(change: Partial<WorkerView> & { readonly address: string }): WorkerView {
  return {
    worker: 1,
    name: change.address,
    host: 'a',
    status: 'running',
    nthreads: 2,
    version: '2026.8.0',
    cpu: 100,
    memory: { process: GiB, managed: GiB / 2, unmanaged_old: GiB / 2, unmanaged_recent: 0, spilled: 0, limit: 4 * GiB },
    processing: 3,
    in_memory: 5,
    executing: 2,
    occupancy: 1.5,
    latency: 0.002,
    last_seen: 100,
    network: { read: 1000, write: 500 },
    disk: { read: 10, write: 20 },
    services: {},
    pid: 1,
    alive: true,
    gone_since: null,
    ...change,
  };
}

function order(workers: WorkerView[], sorting: Sorting, folded: string[] = []): string[] {
  return tableRows(workers, sorting, new Set(folded)).map((row) =>
    row.kind === 'host' ? `[${row.host.host}]` : row.worker.address,
  );
}

describe('rows of the table', () => {
  const workers = [
    worker({ address: 'w10', host: 'b', cpu: 10 }),
    worker({ address: 'w9', host: 'b', cpu: 30 }),
    worker({ address: 'w1', host: 'a', cpu: Number.NaN }),
    worker({ address: 'w2', host: 'a', cpu: 20 }),
  ];

  it('stand under their host, numbers in names counted as numbers', () => {
    expect(order(workers, { by: 'address', descending: false })).toEqual(['[a]', 'w1', 'w2', '[b]', 'w9', 'w10']);
    expect(order(workers, { by: 'address', descending: true })).toEqual(['[a]', 'w2', 'w1', '[b]', 'w10', 'w9']);
  });

  it('keep what is not known at the end in both directions', () => {
    expect(order(workers, { by: 'cpu', descending: false })).toEqual(['[a]', 'w2', 'w1', '[b]', 'w10', 'w9']);
    expect(order(workers, { by: 'cpu', descending: true })).toEqual(['[a]', 'w2', 'w1', '[b]', 'w9', 'w10']);
  });

  it('are folded away with their host', () => {
    expect(order(workers, { by: 'cpu', descending: true }, ['b'])).toEqual(['[a]', 'w2', 'w1', '[b]']);
  });

  it('are summed per host, except for what is host-wide, and without those that are gone', () => {
    const [head] = tableRows(
      [
        worker({ address: 'w1', network: { read: 1000, write: 7 } }),
        worker({ address: 'w2', network: { read: 900, write: 8 }, latency: Number.NaN }),
        worker({ address: 'w3', alive: false, network: { read: 5000, write: 5000 } }),
      ],
      { by: 'address', descending: false },
      new Set(),
    );
    expect(head).toMatchObject({
      kind: 'host',
      host: { workers: 2, nthreads: 4, cpu: 200, processing: 6, in_memory: 10, occupancy: 3, latency: 0.002 },
    });
    expect(head).toMatchObject({ host: { network: { read: 1000, write: 8 }, disk: { read: 10, write: 20 } } });
    expect(head).toMatchObject({ host: { memory: { process: 2 * GiB, limit: 8 * GiB } } });
  });
});

describe('what stands out', () => {
  it.each([
    ['running', {}, 101],
    ['paused', { status: 'paused' }, 101],
    ['paused', { status: 'closing_gracefully' }, 101],
    ['stale', {}, 106],
    ['lost', { alive: false, status: 'paused' }, 101],
  ] as const)('%s', (mood, change, now) => {
    expect(moodOf(worker({ address: 'w', ...change }), now, 4)).toBe(mood);
  });

  it('is patient with the heartbeats of a large cluster', () => {
    expect(moodOf(worker({ address: 'w' }), 115, 1000)).toBe('running');
    expect(moodOf(worker({ address: 'w' }), 126, 1000)).toBe('stale');
  });
});

describe('the colour of memory is Dask’s', () => {
  const memory = (process: number, limit: number) => ({ ...worker({ address: 'w' }).memory, process, limit });
  it.each([
    ['blue', { memory: memory(5.9, 10) }],
    ['orange', { memory: memory(6, 10) }],
    ['red', { memory: memory(9.5, 10) }],
    ['red', { memory: memory(1, 10), status: 'paused' }],
    ['blue', { memory: memory(1e9, 0) }],
  ])('%s', (tone, change) => expect(memoryTone(worker({ address: 'w', ...change }))).toBe(tone));
});
