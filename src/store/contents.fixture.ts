import { memoryView, progressView, resourcesView, runsView, tasksPage, workersView } from './queries/queries.ts';
import type { Store } from './store.ts';

/** Everything that a store knows, as the API tells it. */
export function contents(store: Store): unknown {
  const page = { limit: 10_000 };
  const statuses = [undefined, 'lost', 'processing'] as const;
  const links = Array.from({ length: store.records.length }, (_, record) => [
    store.records.needs.at(record),
    store.records.dependencies.at(record),
  ]);
  const views = {
    links,
    tasks: statuses.map((status) => tasksPage(store, { ...page, status }).tasks),
    progress: progressView(store),
    memory: memoryView(store),
    runs: runsView(store),
    workers: workersView(store),
    resources: resourcesView(store),
    slices: store.slices.extent(),
    functions: store.strings.function.valuesFrom(0),
    tracks: store.tracks.list.map(({ track, slot, place }) => [track, slot, place.name, place.alive]),
    totals: store.totals,
  };
  // Versions count events, of which a replay has others (the link's).
  return JSON.parse(JSON.stringify(views, (key, value: unknown) => (key === 'seq' ? undefined : value)));
}
