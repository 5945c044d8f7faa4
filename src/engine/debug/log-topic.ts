import type { LogEntry } from '../../model/source-event.ts';
import type { Ring } from './ring.ts';
import { type Topic, table } from './topic.ts';

/** What a process wrote down for people, newest first, at most `most` entries. */
export function logTopic(log: Ring<LogEntry>, most: number): Topic {
  return {
    topic: 'logs',
    title: 'Log',
    read: () => ({
      tables: [
        table(
          'Newest entries',
          [
            ['time', 'time'],
            ['topic', 'text'],
            ['text', 'text'],
          ],
          log.newest(most).map(({ time, topic, text }) => [time, topic, text]),
          log.total,
        ),
      ],
    }),
  };
}
