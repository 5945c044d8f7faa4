import type { ClusterCore } from '../cluster-core.ts';
import { logTopic } from './log-topic.ts';
import type { SchedulerRecord } from './scheduler-record.ts';
import { fact, type Topic, table } from './topic.ts';

const MOST_PAIRS = 500;
const MOST_LOG = 500;
const RATE_S = 10;

/** What the scheduler has to say of what happened: transitions, transfers, messages, the log. */
export function schedulerHistory(core: ClusterCore, record: SchedulerRecord): Topic[] {
  return [transitions(record), bandwidth(core, record), comms(core), logTopic(record.log, MOST_LOG)];
}

function transitions({ transitions }: SchedulerRecord): Topic {
  return {
    topic: 'transitions',
    title: 'Transitions',
    read: () => ({
      facts: [fact('transitions', 'count', transitions.total)],
      tables: [transitions.byKind(RATE_S), transitions.recent()],
    }),
  };
}

function bandwidth({ scheduler }: ClusterCore, record: SchedulerRecord): Topic {
  return {
    topic: 'bandwidth',
    title: 'Bandwidth',
    read: () => {
      const names = new Map([...scheduler.workers].map(({ address, name }) => [address, name]));
      const pairs = [...record.transfers].sort((a, b) => b.nbytes - a.nbytes);
      const nbytes = pairs.reduce((total, pair) => total + pair.nbytes, 0);
      return {
        facts: [
          fact('estimate that placement goes by', 'bytes/s', scheduler.bandwidth.value),
          fact('moved', 'bytes', nbytes),
          fact(
            'transfers',
            'count',
            pairs.reduce((total, { count }) => total + count, 0),
          ),
        ],
        tables: [
          table(
            'Between workers',
            [
              ['from', 'text'],
              ['to', 'text'],
              ['transfers', 'count'],
              ['moved', 'bytes'],
              ['took together', 'seconds'],
              ['bandwidth', 'bytes/s'],
            ],
            pairs
              .slice(0, MOST_PAIRS)
              .map(({ from, to, count, nbytes: moved, seconds }) => [
                names.get(from) ?? from,
                names.get(to) ?? to,
                count,
                moved,
                seconds,
                moved / seconds,
              ]),
            pairs.length,
          ),
        ],
        notes: ['The estimate is made of transfers of one megabyte and more.'],
      };
    },
  };
}

function comms(core: ClusterCore): Topic {
  return {
    topic: 'comms',
    title: 'Communication',
    read: () => {
      const pages = core.pages?.traffic();
      return {
        facts:
          pages === undefined
            ? []
            : [
                fact('process of the pages', 'text', pages.pid === 0 ? 'not running' : String(pages.pid)),
                fact('its starts', 'count', pages.starts),
                fact('messages sent to it', 'count', pages.sent),
                fact('… that it has not taken yet', 'count', pages.underWay),
                fact('finished tasks told', 'count', pages.told),
                fact('finished tasks it missed', 'count', pages.untold),
              ],
        tables: [
          table(
            'Worker processes',
            [
              ['worker', 'text'],
              ['process id', 'text'],
              ['messages sent', 'count'],
              ['operations in them', 'count'],
              ['messages received', 'count'],
              ['reports in them', 'count'],
            ],
            core
              .traffic()
              .map(({ name, pid, sent, operations, received, reports }) => [
                name,
                String(pid),
                sent,
                operations,
                received,
                reports,
              ]),
          ),
        ],
        notes: ['Results travel between workers over sockets of their own: see Bandwidth.'],
      };
    },
  };
}
