import './workers.css';
import { createMemo, createSignal, For, type JSX, onCleanup, Show } from 'solid-js';
import type { WorkerView } from '../../model/batch.ts';
import { DEBUG_SERVICE } from '../../model/debug.ts';
import { workerPath } from '../../model/worker-path.ts';
import { ActButtons } from '../actions/act-buttons.tsx';
import { mayDo } from '../actions/actions.ts';
import { parsePath } from '../address.ts';
import {
  formatBytes,
  formatBytesOf,
  formatClock,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  plural,
  UNKNOWN,
} from '../format.ts';
import { useLive } from '../live-store.ts';
import { Panel } from '../widgets/panel.tsx';
import { Spacer } from '../widgets/table-twin.tsx';
import { sharedTooltip } from '../widgets/tooltip.ts';
import { createVisibleRows } from '../widgets/visible-rows.ts';
import {
  type HostTotals,
  hostTone,
  memoryTone,
  moodOf,
  type Sorting,
  type TableRow,
  tableRows,
  type WorkerSort,
} from './workers-rows.ts';

const ROW_HEIGHT = 30;
const WORKER_ACTIONS = ['restart-worker', 'retire-worker'] as const;
const mayAct = (): boolean => WORKER_ACTIONS.some((name) => mayDo(name));

interface Column {
  readonly title: string;
  readonly sort?: WorkerSort;
  readonly number?: boolean;
  /** What its numbers are, where that is not plain. */
  readonly hint?: string;
  /** Room for whatever it may say, so that columns stay where they are. */
  readonly room?: 'place' | 'rate' | 'time';
  readonly worker: (worker: WorkerView, now: number) => JSX.Element;
  readonly host: (host: HostTotals, now: number) => JSX.Element;
}

/** Every worker, grouped by host, with what Dask says of its load; once a second. */
export function Workers(): JSX.Element {
  const live = useLive();
  live.use('workers');
  const [sorting, setSorting] = createSignal<Sorting>({ by: 'address', descending: false });
  const [folded, setFolded] = createSignal<ReadonlySet<string>>(new Set());
  const workers = createMemo(() => {
    live.workers();
    return live.replica.workers;
  });
  const now = () => {
    live.workers();
    return live.replica.clock();
  };
  const rows = createMemo(() => tableRows(workers(), sorting(), folded()));
  const visible = createVisibleRows(() => rows().length, ROW_HEIGHT);
  const sortBy = (by: WorkerSort) =>
    // Numbers are wanted largest first, words from A.
    setSorting((before) => ({
      by,
      descending: before.by === by ? !before.descending : !['address', 'name', 'status', 'version'].includes(by),
    }));
  // Beside this page, which may be at workers/ as well.
  const { base } = parsePath(location.pathname);
  const debugOf = (worker: WorkerView) => `${base}workers/${encodeURIComponent(workerPath(worker, workers()))}/debug`;
  const fold = (host: string) =>
    setFolded((before) => {
      const next = new Set(before);
      if (!next.delete(host)) next.add(host);
      return next;
    });
  const numbers = () => {
    const count = (mood: string) => workers().filter((w) => moodOf(w, now(), workers().length) === mood).length;
    const alive = workers().filter((w) => w.alive);
    const hosts = new Set(alive.map((w) => w.host)).size;
    const odd = (['paused', 'stale', 'lost'] as const).map((mood) => [count(mood), mood] as const);
    return [
      `${plural(alive.length, 'worker')} on ${plural(hosts, 'host')}`,
      ...odd.filter(([n]) => n > 0).map(([n, mood]) => `${formatCount(n)} ${mood}`),
    ].join(' · ');
  };
  return (
    <Panel title="Workers" class={mayAct() ? 'workers acting' : 'workers'} numbers={numbers()} tools={<Legend />}>
      <div class="scroller" ref={visible.ref} onScroll={visible.onScroll} tabindex="0">
        <table class="grid" aria-rowcount={rows().length + 1}>
          <caption class="hidden-text">Workers grouped by host</caption>
          <thead>
            <tr aria-rowindex="1">
              <Head column={COLUMNS[0]!} sorting={sorting()} onSort={sortBy} />
              <Show when={mayAct()}>
                <th scope="col">Actions</th>
              </Show>
              <For each={COLUMNS.slice(1)}>
                {(column) => <Head column={column} sorting={sorting()} onSort={sortBy} />}
              </For>
            </tr>
          </thead>
          <tbody>
            <Spacer height={visible.before()} columns={COLUMNS.length + (mayAct() ? 1 : 0)} />
            <For each={visible.positions()}>
              {(position) => (
                <Show when={rows()[position]}>
                  {(row) => (
                    <Row
                      row={row()}
                      position={position}
                      now={now()}
                      workers={workers().length}
                      onFold={fold}
                      debugOf={debugOf}
                    />
                  )}
                </Show>
              )}
            </For>
            <Spacer height={visible.after()} columns={COLUMNS.length + (mayAct() ? 1 : 0)} />
          </tbody>
        </table>
        <Show when={workers().length === 0}>
          <p class="note">No worker is connected. One that starts appears here within a second.</p>
        </Show>
      </div>
    </Panel>
  );
}

function Head(props: {
  readonly column: Column;
  readonly sorting: Sorting;
  readonly onSort: (by: WorkerSort) => void;
}): JSX.Element {
  const { column } = props;
  const sorted = () => {
    if (column.sort === undefined) return undefined;
    if (props.sorting.by !== column.sort) return 'none';
    return props.sorting.descending ? 'descending' : 'ascending';
  };
  return (
    <th
      scope="col"
      class={column.number ? 'number' : undefined}
      data-room={column.room}
      title={column.hint}
      aria-sort={sorted()}
    >
      <Show when={column.sort} fallback={column.title}>
        {(sort) => (
          <button type="button" class="sort" onClick={() => props.onSort(sort())}>
            {column.title}
          </button>
        )}
      </Show>
    </th>
  );
}

function Row(props: {
  readonly row: TableRow;
  readonly position: number;
  readonly now: number;
  readonly workers: number;
  readonly onFold: (host: string) => void;
  /** Address of a worker's debug pages. */
  readonly debugOf: (worker: WorkerView) => string;
}): JSX.Element {
  const host = () => (props.row.kind === 'host' ? props.row : undefined);
  const worker = () => (props.row.kind === 'worker' ? props.row.worker : undefined);
  const index = () => props.position + 2;
  return (
    <>
      <Show when={host()}>
        {(row) => (
          <tr class="host" aria-rowindex={index()} data-host={row().host.host}>
            <th scope="rowgroup">
              <button
                type="button"
                class="fold"
                aria-expanded={!row().folded}
                onClick={() => props.onFold(row().host.host)}
              >
                {row().host.host}
              </button>{' '}
              <span class="dim">{plural(row().host.workers, 'worker')}</span>
            </th>
            <Show when={mayAct()}>
              <td />
            </Show>
            <For each={COLUMNS.slice(1)}>
              {(column) => <td class={column.number ? 'number' : undefined}>{column.host(row().host, props.now)}</td>}
            </For>
          </tr>
        )}
      </Show>
      <Show when={worker()}>
        {(shown) => (
          <tr
            class="worker"
            aria-rowindex={index()}
            data-worker={shown().address}
            data-mood={moodOf(shown(), props.now, props.workers)}
          >
            <th scope="row">
              <Show
                when={shown().alive && DEBUG_SERVICE in shown().services}
                fallback={
                  <span class="cut address-of" title={shown().address}>
                    {shown().address}
                  </span>
                }
              >
                <a class="cut address-of" title={`${shown().address}: its debug pages`} href={props.debugOf(shown())}>
                  {shown().address}
                </a>
              </Show>
              <Mood worker={shown()} now={props.now} workers={props.workers} />
            </th>
            <Show when={mayAct()}>
              <td>
                <Show when={shown().alive}>
                  <ActButtons names={WORKER_ACTIONS} target={shown().address} />
                </Show>
              </td>
            </Show>
            <For each={COLUMNS.slice(1)}>
              {(column) => <td class={column.number ? 'number' : undefined}>{column.worker(shown(), props.now)}</td>}
            </For>
          </tr>
        )}
      </Show>
    </>
  );
}

/** Says in words what the row's colour says. */
function Mood(props: { readonly worker: WorkerView; readonly now: number; readonly workers: number }): JSX.Element {
  const mood = () => moodOf(props.worker, props.now, props.workers);
  const text = () => {
    if (mood() === 'lost') return `lost ${formatClock(props.worker.gone_since ?? 0)}`;
    return mood() === 'stale' ? 'stale' : props.worker.status;
  };
  return (
    <Show when={mood() !== 'running'}>
      <span class="mood">{text()}</span>
    </Show>
  );
}

function Legend(): JSX.Element {
  return (
    <span class="memory-legend" data-tone="blue">
      <i class="managed" /> managed <i class="old" /> unmanaged <i class="recent" /> recent <i class="spilled" />{' '}
      spilled <i data-tone="orange" /> near its limit <i data-tone="red" /> paused, closing or lost
    </span>
  );
}

function CpuBar(props: { readonly cpu: number; readonly nthreads: number }): JSX.Element {
  const share = () => Math.min(1, props.cpu / 100 / Math.max(1, props.nthreads) || 0);
  return (
    <span class="with-bar">
      <span class="meter" aria-hidden="true">
        <i style={{ transform: `scaleX(${share()})` }} />
      </span>
      <span class="value">{formatPercent(props.cpu)}</span>
    </span>
  );
}

const MEMORY_PARTS = [
  ['managed', 'managed', 'managed'],
  ['old', 'unmanaged_old', 'unmanaged'],
  ['recent', 'unmanaged_recent', 'unmanaged, recent'],
  ['spilled', 'spilled', 'spilled to disk'],
] as const;

/** Managed, unmanaged, recent, then spilled, which lies outside of the process: a bar as long as the limit. */
function MemoryBar(props: {
  readonly memory: WorkerView['memory'];
  readonly tone: string;
  readonly title: string;
}): JSX.Element {
  const segments = createMemo(() => {
    const { memory } = props;
    const used = MEMORY_PARTS.reduce((sum, [, part]) => sum + (memory[part] || 0), 0);
    const whole = Math.max(memory.limit || 0, used, 1);
    let start = 0;
    return MEMORY_PARTS.map(([, part]) => {
      const stop = start + (100 * (memory[part] || 0)) / whole;
      const clip = `inset(0 ${100 - stop}% 0 ${start}%)`;
      start = stop;
      return clip;
    });
  });
  const text = () => {
    const { process, limit } = props.memory;
    if (!(limit > 0)) return formatBytes(process);
    const [part, whole] = formatBytesOf(process, limit);
    return `${part} / ${whole}`;
  };
  const hover = (event: MouseEvent) =>
    sharedTooltip().show(event.clientX, event.clientY, {
      title: props.title,
      facts: [
        ['process', formatBytes(props.memory.process)],
        ...MEMORY_PARTS.map(([, part, name]) => [name, formatBytes(props.memory[part])] as const),
        ['limit', props.memory.limit > 0 ? formatBytes(props.memory.limit) : 'none'],
      ],
    });
  onCleanup(() => sharedTooltip().hide());
  const spoken = () => MEMORY_PARTS.map(([, part, name]) => `${name} ${formatBytes(props.memory[part])}`).join(', ');
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering shows what the hidden text says
    <span class="with-bar" onMouseMove={hover} onMouseLeave={() => sharedTooltip().hide()}>
      <span class="meter memory" data-tone={props.tone} aria-hidden="true">
        <For each={MEMORY_PARTS}>{([name], i) => <i class={name} style={{ 'clip-path': segments()[i()] }} />}</For>
      </span>
      <span class="value">{text()}</span>
      <span class="hidden-text">{spoken()}</span>
    </span>
  );
}

function ago(lastSeen: number, now: number): string {
  if (!(lastSeen > 0)) return UNKNOWN;
  const passed = Math.max(0, now - lastSeen);
  return passed < 10 ? `${passed.toFixed(1)} s` : formatDuration(Math.round(passed));
}

const COLUMNS: readonly Column[] = [
  { title: 'Address', sort: 'address', room: 'place', worker: (w) => w.address, host: (h) => h.host },
  { title: 'Name', sort: 'name', worker: (w) => <span class="cut name">{w.name}</span>, host: () => '' },
  {
    title: 'Threads',
    sort: 'nthreads',
    number: true,
    worker: (w) => formatCount(w.nthreads),
    host: (h) => formatCount(h.nthreads),
  },
  {
    title: 'CPU',
    sort: 'cpu',
    number: true,
    hint: 'Percent of a core: 400 % are four cores at work. Above all pages: percent of all threads',
    worker: (w) => <CpuBar cpu={w.cpu} nthreads={w.nthreads} />,
    host: (h) => <CpuBar cpu={h.cpu} nthreads={h.nthreads} />,
  },
  {
    title: 'Memory',
    sort: 'memory',
    number: true,
    worker: (w) => <MemoryBar memory={w.memory} tone={memoryTone(w)} title={w.name || w.address} />,
    host: (h) => <MemoryBar memory={h.memory} tone={hostTone(h)} title={h.host} />,
  },
  {
    title: 'Processing',
    sort: 'processing',
    number: true,
    worker: (w) => formatCount(w.processing),
    host: (h) => formatCount(h.processing),
  },
  {
    title: 'In memory',
    sort: 'in_memory',
    number: true,
    worker: (w) => formatCount(w.in_memory),
    host: (h) => formatCount(h.in_memory),
  },
  {
    title: 'Occupancy',
    sort: 'occupancy',
    number: true,
    room: 'time',
    worker: (w) => formatDuration(w.occupancy),
    host: (h) => formatDuration(h.occupancy),
  },
  {
    title: 'Net read',
    sort: 'network_read',
    number: true,
    room: 'rate',
    worker: (w) => formatRate(w.network.read),
    host: (h) => formatRate(h.network.read),
  },
  {
    title: 'Net write',
    sort: 'network_write',
    number: true,
    room: 'rate',
    worker: (w) => formatRate(w.network.write),
    host: (h) => formatRate(h.network.write),
  },
  {
    title: 'Disk read',
    sort: 'disk_read',
    number: true,
    room: 'rate',
    worker: (w) => formatRate(w.disk.read),
    host: (h) => formatRate(h.disk.read),
  },
  {
    title: 'Disk write',
    sort: 'disk_write',
    number: true,
    room: 'rate',
    worker: (w) => formatRate(w.disk.write),
    host: (h) => formatRate(h.disk.write),
  },
  {
    title: 'Latency',
    sort: 'latency',
    number: true,
    room: 'time',
    worker: (w) => formatDuration(w.latency),
    host: (h) => formatDuration(h.latency),
  },
  {
    title: 'Last seen',
    sort: 'last_seen',
    number: true,
    room: 'time',
    worker: (w, now) => ago(w.last_seen, now),
    host: (h, now) => ago(h.last_seen, now),
  },
  { title: 'Version', sort: 'version', worker: (w) => w.version, host: () => '' },
];
