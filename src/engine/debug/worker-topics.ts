import type { DebugSeries, DebugUnit, DebugValue } from '../../model/debug.ts';
import { epochNow, toEpoch } from '../clock.ts';
import type { WorkerReadings } from '../protocol.ts';
import { ENGINE_VERSION } from '../version.ts';
import type { DataServer } from '../worker/data-server.ts';
import type { ResultStore } from '../worker/result-store.ts';
import type { TaskNow, TaskRunner } from '../worker/task-runner.ts';
import { EventLoopTopic } from './event-loop.ts';
import { logTopic } from './log-topic.ts';
import { ProcessTopic } from './process-topic.ts';
import { ProfileTopic } from './profile-topic.ts';
import { fact, known, type Topic, TopicSet, table } from './topic.ts';
import type { WorkerRecord } from './worker-record.ts';

const MOST_ROWS = 500;

/** The parts of a worker process that its debug pages tell of. */
interface WorkerParts {
  readonly name: string;
  readonly address: string;
  readonly threads: number;
  readonly memoryLimit: number;
  readonly runner: TaskRunner;
  readonly results: ResultStore;
  readonly server: DataServer;
  readonly record: WorkerRecord;
}

export function workerTopicSet(worker: WorkerParts): TopicSet {
  const { name, address } = worker;
  return new TopicSet(
    () => ({ role: 'worker', name, address, engine: 'embedded', version: ENGINE_VERSION, pid: process.pid }),
    [
      tasks(worker),
      stored(worker),
      transfers(worker),
      history(worker),
      monitor(worker),
      stateLog(worker),
      logTopic(worker.record.log, MOST_ROWS),
      new EventLoopTopic(),
      new ProfileTopic(
        'The main thread fetches, stores and answers; tasks run in threads of their own and are not in it.',
      ),
      new ProcessTopic(),
    ],
  );
}

function tasks({ runner, threads }: WorkerParts): Topic {
  return {
    topic: 'tasks',
    title: 'Tasks',
    read: () => {
      const all = runner.tasks;
      const now = epochNow();
      const of = (state: TaskNow['state'], title: string) => {
        const rows = all.filter((task) => task.state === state).sort((a, b) => a.since - b.since);
        return table(
          title,
          [
            ['key', 'key'],
            ['function', 'text'],
            ['since', 'time'],
            ['for', 'seconds'],
            ['inputs', 'count'],
            ['still wanted', 'text'],
          ],
          rows.slice(0, MOST_ROWS).map(({ key, name, since, inputs, dropped }): DebugValue[] => {
            const at = toEpoch(since);
            return [key, name, at, now - at, inputs, !dropped];
          }),
          rows.length,
        );
      };
      const tables = [of('running', 'Executing'), of('ready', 'Ready'), of('fetching', 'Waiting for inputs in flight')];
      return {
        facts: [
          fact('threads', 'count', threads),
          fact('executing', 'count', tables[0]!.total),
          fact('ready', 'count', tables[1]!.total),
          fact('waiting for inputs in flight', 'count', tables[2]!.total),
        ],
        tables,
      };
    },
  };
}

function stored({ results, memoryLimit }: WorkerParts): Topic {
  return {
    topic: 'stored',
    title: 'Stored results',
    read: () => ({
      facts: [
        fact('results', 'count', results.size),
        fact('together', 'bytes', results.nbytes),
        fact('memory limit of the process', 'bytes', memoryLimit === 0 ? null : memoryLimit),
      ],
      tables: [
        table(
          'Largest results',
          [
            ['key', 'key'],
            ['size', 'bytes'],
            ['attempt', 'count'],
          ],
          results.largest(MOST_ROWS).map(({ key, nbytes, attempt }) => [key, nbytes, attempt]),
          results.size,
        ),
      ],
      notes: ['Results stay in memory: this engine writes nothing to disk.'],
    }),
  };
}

function transfers({ record, server }: WorkerParts): Topic {
  return {
    topic: 'transfers',
    title: 'Transfers',
    read: () => ({
      facts: [
        fact('results received', 'count', record.received.results),
        fact('received', 'bytes', record.received.nbytes),
        fact('results sent', 'count', server.sent.results),
        fact('sent', 'bytes', server.sent.nbytes),
        fact('requests answered', 'count', server.sent.requests),
        fact('connections of others', 'count', server.connections),
      ],
      tables: [
        table(
          'Newest transfers to this worker',
          [
            ['start', 'time'],
            ['from', 'text'],
            ['results', 'count'],
            ['size', 'bytes'],
            ['took', 'seconds'],
            ['bandwidth', 'bytes/s'],
          ],
          record.transfers
            .newest(MOST_ROWS)
            .map(({ source, keys, nbytes, start, stop }) => [
              toEpoch(start),
              source,
              keys,
              nbytes,
              stop - start,
              nbytes / (stop - start),
            ]),
          record.transfers.total,
        ),
      ],
    }),
  };
}

function history({ record }: WorkerParts): Topic {
  return {
    topic: 'history',
    title: 'Executing history',
    read: () => ({
      facts: [fact('tasks that ran here', 'count', record.history.total)],
      tables: [
        table(
          'Newest tasks',
          [
            ['start', 'time'],
            ['key', 'key'],
            ['function', 'text'],
            ['thread', 'count'],
            ['took', 'seconds'],
            ['result', 'bytes'],
            ['ended as', 'text'],
          ],
          record.history
            .newest(MOST_ROWS)
            .map(({ key, name, thread, start, stop, ok, nbytes }) => [
              toEpoch(start),
              key,
              name,
              thread,
              stop - start,
              nbytes,
              ok ? 'memory' : 'error',
            ]),
          record.history.total,
        ),
      ],
    }),
  };
}

function monitor({ record }: WorkerParts): Topic {
  return {
    topic: 'monitor',
    title: 'System monitor',
    read: () => {
      const samples = record.readings.oldestFirst();
      const times = samples.map(({ time }) => time);
      const series = (
        title: string,
        unit: DebugUnit,
        lines: Readonly<Record<string, keyof WorkerReadings>>,
      ): DebugSeries => ({
        title,
        unit,
        times,
        lines: Object.entries(lines).map(([name, field]) => ({
          name,
          values: samples.map(({ readings }) => known(readings[field])),
        })),
      });
      const last = samples.at(-1)?.readings;
      return {
        facts: [
          fact('CPU', 'percent', last?.cpu),
          fact('memory', 'bytes', last?.process),
          fact('results', 'bytes', last?.managed),
          fact('open files', 'count', last?.fds),
          fact('round trip of the last heartbeat', 'seconds', last?.latency),
        ],
        series: [
          series('CPU', 'percent', { CPU: 'cpu' }),
          series('Memory', 'bytes', {
            process: 'process',
            results: 'managed',
            'unmanaged, old': 'unmanagedOld',
            'unmanaged, recent': 'unmanagedRecent',
          }),
          series('Open files', 'count', { 'open files': 'fds' }),
          series('Network of the host', 'bytes/s', { read: 'networkRead', write: 'networkWrite' }),
          series('Disks of the host', 'bytes/s', { read: 'diskRead', write: 'diskWrite' }),
          series('Interval of the event loop', 'seconds', { interval: 'eventLoopInterval' }),
        ],
      };
    },
  };
}

function stateLog({ record }: WorkerParts): Topic {
  return {
    topic: 'state-log',
    title: 'State log',
    read: () => ({
      facts: [fact('changes of state', 'count', record.states.total)],
      tables: [record.states.byKind(10), record.states.recent()],
    }),
  };
}
