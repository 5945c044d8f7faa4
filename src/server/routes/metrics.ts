import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { LINK_STATES } from '../../model/source-event.ts';
import { SCHEDULER_STATES } from '../../model/task-state.ts';
import type { Store } from '../../store/store.ts';
import type { Publisher } from '../watched/publisher.ts';

/**
 * Prometheus metrics of this process and of the cluster as the store knows it: a scrape reads memory and never asks the
 * scheduler. A registry of its own, so that several servers in one process do not mix.
 */
export function metricsRegistry(store: Store, publisher: Publisher): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const total = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };

  new Gauge({
    name: 'taskglass_tasks',
    help: 'Tasks that the scheduler knows, by state',
    labelNames: ['state'],
    registers,
    collect() {
      const totals = store.functions.totals();
      for (const [i, state] of SCHEDULER_STATES.entries()) this.set({ state }, totals[i]!);
    },
  });
  new Gauge({
    name: 'taskglass_link',
    help: '1 for the state of the link to the scheduler, 0 for the others',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of LINK_STATES) this.set({ state }, store.link.state === state ? 1 : 0);
    },
  });
  gauge('taskglass_workers', 'Workers of the cluster', () => store.workers.totals().workers);
  gauge('taskglass_threads', 'Threads of all workers', () => store.workers.totals().threads);
  total('taskglass_records_total', 'Finished tasks that are in the store', () => store.records.finished);
  total('taskglass_records_erred_total', 'Of these, the ones that erred', () => store.records.erred);
  gauge(
    'taskglass_history_memory_bytes',
    'Memory that the histories of this process have',
    () => store.pager.memory.bytes,
  );
  gauge('taskglass_history_disk_bytes', 'Of this history, what was written to disk', () => store.pager.fileBytes);
  gauge('taskglass_gaps', 'Times at which finished tasks may have been missed', () => store.gaps.length);
  gauge(
    'taskglass_agent_cpu_share',
    'Share of one core of the scheduler that watching takes',
    () => store.cost?.share ?? 0,
  );
  gauge(
    'taskglass_scheduler_loop_lag_seconds',
    'Delay of the event loop of the scheduler',
    () => store.cost?.loopLag ?? 0,
  );
  gauge('taskglass_viewers', 'Pages that are connected', () => publisher.viewers);
  total('taskglass_websocket_sent_bytes_total', 'Bytes sent to pages', () => publisher.bytesSent);
  total('taskglass_websocket_sent_messages_total', 'Messages sent to pages', () => publisher.messagesSent);
  return registry;
}
