import type { DebugValue } from '../../model/debug.ts';
import { SCHEDULER_STATES, STATE_INDEX } from '../../model/task-state.ts';
import { epochNow } from '../clock.ts';
import type { ClusterCore } from '../cluster-core.ts';
import type { Task } from '../scheduling/task.ts';
import { fact, type Topic, table } from './topic.ts';

/** A page shows the first of them, and how many there are. */
const MOST_ROWS = 500;
const MOST_QUEUED = 100;

/** What the scheduler has to say of its tasks and workers as they are now. */
export function schedulerTopics(core: ClusterCore): Topic[] {
  return [states(core), queues(core), occupancy(core), clients(core)];
}

function states({ scheduler }: ClusterCore): Topic {
  return {
    topic: 'states',
    title: 'Task states',
    read: () => {
      const prefixes = [...scheduler.prefixes.values()];
      const totals = SCHEDULER_STATES.map((_, i) => sum(prefixes.map(({ counts }) => counts[i]!)));
      const size = (counts: Uint32Array): number => sum([...counts]);
      prefixes.sort((a, b) => size(b.counts) - size(a.counts));
      const rows = prefixes
        .slice(0, MOST_ROWS)
        .map(({ name, counts, forgotten, nbytes, duration }) => [name, ...counts, forgotten, nbytes, duration]);
      return {
        facts: [
          fact('tasks', 'count', scheduler.tasks.size),
          ...SCHEDULER_STATES.map((state, i) => fact(state, 'count', totals[i]!)),
          fact('completed and forgotten', 'count', sum(prefixes.map(({ forgotten }) => forgotten))),
          fact('results in memory', 'bytes', sum(prefixes.map(({ nbytes }) => nbytes))),
        ],
        tables: [
          table(
            'By function',
            [
              ['function', 'text'],
              ...SCHEDULER_STATES.map((state) => [state, 'count'] as const),
              ['forgotten', 'count'],
              ['results', 'bytes'],
              ['expected duration', 'seconds'],
            ],
            rows,
            prefixes.length,
          ),
        ],
      };
    },
  };
}

function queues({ scheduler }: ClusterCore): Topic {
  const row = (task: Task): DebugValue[] => [task.key, task.prefix.name, task.priority, task.dependencies.size];
  return {
    topic: 'queues',
    title: 'Queues',
    read: () => {
      const count = (state: 'queued' | 'no-worker' | 'waiting'): number =>
        sum([...scheduler.prefixes.values()].map(({ counts }) => counts[STATE_INDEX[state]]!));
      const columns = [
        ['key', 'key'],
        ['function', 'text'],
        ['order', 'count'],
        ['inputs', 'count'],
      ] as const;
      const parked = [...scheduler.parked].slice(0, MOST_ROWS);
      return {
        facts: [
          fact('queued: every worker has enough', 'count', count('queued')),
          fact('no worker that may run them', 'count', count('no-worker')),
          fact('waiting for inputs', 'count', count('waiting')),
          fact('workers that take tasks', 'count', [...scheduler.workers].filter(({ open }) => open).length),
        ],
        tables: [
          table('Next of the queue', columns, scheduler.nextQueued(MOST_QUEUED).map(row), count('queued')),
          table(
            'No worker',
            [...columns, ['allowed workers', 'text']],
            parked.map((task) => [...row(task), [...(task.spec.workers ?? ['any'])].join(', ')]),
            scheduler.parked.size,
          ),
        ],
      };
    },
  };
}

function occupancy({ scheduler }: ClusterCore): Topic {
  return {
    topic: 'occupancy',
    title: 'Occupancy',
    read: () => {
      const workers = [...scheduler.workers];
      return {
        facts: [
          fact('expected work', 'seconds', sum(workers.map((worker) => worker.occupancy))),
          fact('threads', 'count', sum(workers.map(({ nthreads }) => nthreads))),
          fact('processing', 'count', sum(workers.map(({ processing }) => processing.size))),
          fact('idle workers', 'count', workers.filter(({ processing }) => processing.size === 0).length),
          fact('workers that take no more', 'count', workers.filter(({ open }) => !open).length),
        ],
        tables: [
          table(
            'By worker',
            [
              ['worker', 'text'],
              ['address', 'text'],
              ['status', 'text'],
              ['threads', 'count'],
              ['processing', 'count'],
              ['expected work', 'seconds'],
              ['takes more', 'text'],
              ['in memory', 'count'],
              ['results', 'bytes'],
              ['functions known', 'count'],
            ],
            workers.map((worker) => [
              worker.name,
              worker.address,
              worker.status,
              worker.nthreads,
              worker.processing.size,
              worker.occupancy,
              worker.open,
              worker.holds.size,
              worker.nbytes,
              worker.functions.size,
            ]),
          ),
        ],
      };
    },
  };
}

function clients(core: ClusterCore): Topic {
  return {
    topic: 'clients',
    title: 'Clients',
    read: () => {
      const rows = [...core.clients].map(({ opened, held }, i) => [String(i + 1), opened, epochNow() - opened, held]);
      return {
        facts: [
          fact('clients', 'count', rows.length),
          fact('futures held', 'count', sum([...core.clients].map(({ held }) => held))),
        ],
        tables: [
          table(
            'Clients of this process',
            [
              ['client', 'text'],
              ['since', 'time'],
              ['open for', 'seconds'],
              ['futures held', 'count'],
            ],
            rows,
          ),
        ],
      };
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
