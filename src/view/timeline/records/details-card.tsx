import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from 'solid-js';
import type { LinkedTask, RecordDetails, RecordView } from '../../../model/batch.ts';
import type { ClusterActionName } from '../../../model/cluster-action.ts';
import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
  UNMATCHED,
} from '../../../model/task-state.ts';
import type { Replica } from '../../../store/replica.ts';
import { ActButtons } from '../../actions/act-buttons.tsx';
import { functionClass } from '../../colors.ts';
import { formatBytes, formatClock, formatDuration, formatName, formatPercent } from '../../format.ts';
import { workerLabel } from '../../rows/row-model.ts';
import { placeTooltip } from '../../widgets/tooltip.ts';
import type { Hit } from '../drawing/hit.ts';
import type { Records } from './records.ts';
import { TaskLinks } from './task-links.tsx';

/** Where the pointer is, or the upper edge of what is not to be covered and how high it is: CSS pixels of the browser's viewport. */
export interface CardPlace {
  readonly x: number;
  readonly y: number;
  readonly height?: number;
}

export interface DetailsCardProps {
  readonly hit: Hit;
  readonly replica: Replica;
  readonly records: Records;
  readonly at: CardPlace;
  /** Stays, can be selected and closed. */
  readonly pinned: boolean;
  readonly onClose: () => void;
  /** The neighbours of its task, once they are known. */
  readonly details?: RecordDetails | null;
  readonly onJump?: (task: LinkedTask) => void;
  /** Only this function, or this worker, is to be shown. */
  readonly onOnly?: (name: string | null, worker: string | null) => void;
  /** What a screen reader is told, once the record is known. */
  readonly onText?: (text: string) => void;
}

type Fact = readonly [name: string, value: string];

/** How often a shown task that runs, or a pinned column, is written anew, ms. */
const TICK = 200;
/** Columns of shares show this many categories; the rest are added up. */
const MOST_SHARES = 8;

/** What is known of a slice, a running task or a column: at once what the picture knows, the rest when the server has answered. */
export function DetailsCard(props: DetailsCardProps): JSX.Element {
  const [record, setRecord] = createSignal<RecordView | null>(null);
  const [clock, setClock] = createSignal(props.replica.clock());
  const timer = setInterval(() => setClock(props.replica.clock()), TICK);
  onCleanup(() => clearInterval(timer));
  createEffect(
    on(
      () => props.hit,
      (hit) => {
        const id = hit.kind === 'slice' ? hit.record : -1;
        setRecord(id < 0 ? null : props.records.known(id));
        if (id < 0 || record() !== null) return;
        // The latest question wins: an answer to an older one is dropped.
        void props.records.read(id).then((view) => {
          if (view !== null && props.hit.kind === 'slice' && props.hit.record === id) setRecord(view);
        });
      },
    ),
  );
  createEffect(() => {
    const view = record();
    if (view !== null) props.onText?.(spoken(view));
  });
  const facts = createMemo(() => factsOf(props.hit, record(), props.replica, clock()));
  const title = () => titleOf(props.hit, record(), props.replica);
  let card!: HTMLDivElement;
  const [size, setSize] = createSignal({ width: 280, height: 200 });
  createEffect(() => {
    facts();
    record();
    props.details;
    const box = card.getBoundingClientRect();
    setSize({ width: box.width, height: box.height });
  });
  createEffect(() => {
    const { x, y, height } = props.at;
    const { left, top } = placeTooltip(x, y, size().width, size().height, innerWidth, innerHeight, height);
    card.style.transform = `translate(${left}px, ${top}px)`;
  });
  return (
    <div
      ref={card}
      class="tooltip details"
      classList={{ pinned: props.pinned }}
      {...(props.pinned ? { role: 'dialog', 'aria-label': 'Details', tabindex: -1 } : { role: 'tooltip' })}
    >
      <h3>
        <i class={`swatch ${swatchOf(props.hit, record())}`} />
        <span class="name">{title()}</span>
        <Show when={props.pinned}>
          <button type="button" class="tool close" aria-label="Close the details" onClick={() => props.onClose()}>
            ✕
          </button>
        </Show>
      </h3>
      <Show when={keyOf(props.hit, record())}>{(key) => <code class="key">{key()}</code>}</Show>
      <dl class="facts">
        <For each={facts()}>
          {([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          )}
        </For>
      </dl>
      <Show when={props.details}>
        {(details) => <TaskLinks details={details()} onJump={(task) => props.onJump?.(task)} />}
      </Show>
      <Show when={props.pinned && props.onOnly !== undefined && props.hit.kind !== 'shares'}>
        <p class="only">
          Only
          <button type="button" class="tool" onClick={() => props.onOnly?.(functionOf(props.hit, props.replica), null)}>
            this function
          </button>
          <button type="button" class="tool" onClick={() => props.onOnly?.(null, workerOf(props.hit, props.replica))}>
            this worker
          </button>
        </p>
      </Show>
      <Show when={props.pinned ? actionsOf(props.hit, record()) : null}>
        {(names) => (
          <ActButtons names={names()} target={keyOf(props.hit, record()) ?? ''} cluster={props.replica.cluster?.id} />
        )}
      </Show>
      <Show when={record()?.exception}>{(text) => <pre class="exception">{text()}</pre>}</Show>
      <Show when={props.pinned && record()?.traceback}>{(text) => <pre class="traceback">{text()}</pre>}</Show>
    </div>
  );
}

const OF_RUNNING = ['restart-task', 'cancel-task'] as const;
const OF_ERRED = ['retry-task'] as const;
const OF_FINISHED = ['rerun-task'] as const;

/** What may be done about a task. */
function actionsOf(hit: Hit, record: RecordView | null): readonly ClusterActionName[] | null {
  if (hit.kind === 'running') return OF_RUNNING;
  if (record === null) return null;
  return record.status === 'erred' ? OF_ERRED : OF_FINISHED;
}

function functionOf(hit: Hit, replica: Replica): string | null {
  return hit.kind === 'shares' ? null : (replica.names[hit.fn] ?? null);
}

function workerOf(hit: Hit, replica: Replica): string | null {
  const track = replica.tracks[hit.track];
  return track === undefined ? null : track.name || track.address;
}

function titleOf(hit: Hit, record: RecordView | null, replica: Replica): string {
  if (hit.kind === 'shares') return 'How this time was spent';
  const name = record?.name ?? replica.names[hit.fn] ?? '';
  return name === '' ? 'Task' : formatName(name);
}

function swatchOf(hit: Hit, record: RecordView | null): string {
  if (hit.kind === 'shares') return 'none';
  if (record?.status === 'erred' || (hit.kind === 'slice' && hit.category === CATEGORY_ERRED)) return 'erred';
  return functionClass(hit.fn);
}

function keyOf(hit: Hit, record: RecordView | null): string | null {
  if (hit.kind === 'running') return hit.key;
  return hit.kind === 'slice' && record !== null ? record.key : null;
}

export function categoryName(category: number, names: readonly string[]): string {
  switch (category) {
    case CATEGORY_ERRED:
      return 'erred';
    case CATEGORY_TRANSFER:
      return 'transfer';
    case CATEGORY_DISK:
      return 'disk';
    case CATEGORY_DESERIALIZE:
      return 'deserialize';
    case CATEGORY_LOST:
      return 'lost with its worker';
    default:
      return formatName(names[category - CATEGORY_FUNCTION] ?? '');
  }
}

/** Pieces of a second that tell these two moments apart, as a clock shows them. */
function digitsFor(seconds: number): 3 | 6 {
  return seconds < 0.01 ? 6 : 3;
}

function whereOf(hit: Hit, replica: Replica): Fact {
  const track = replica.tracks[hit.track];
  if (hit.kind === 'shares' && hit.group !== null) return ['rows', hit.group];
  if (track === undefined) return ['worker', '–'];
  // A row beyond its worker's threads is not alive though the worker is.
  const alive = replica.tracks.some((other) => other?.alive === true && other.address === track.address);
  const gone = alive ? '' : ' (gone)';
  return ['worker', `${workerLabel(track)}${gone} · thread ${track.slot}`];
}

export function factsOf(hit: Hit, record: RecordView | null, replica: Replica, now: number): Fact[] {
  const where = whereOf(hit, replica);
  if (hit.kind === 'shares') return [where, ...sharesFacts(hit, replica)];
  if (hit.kind === 'running') {
    const start = hit.start / 1e6;
    return [where, ['running since', formatClock(start, 3)], ['for', formatDuration(Math.max(0, now - start))]];
  }
  const wide = (hit.stop - hit.start) / 1e6;
  const digits = digitsFor(wide);
  const facts: Fact[] = [where];
  if (hit.category >= 0 && hit.category < CATEGORY_FUNCTION && hit.category !== CATEGORY_ERRED) {
    facts.push(['shown', categoryName(hit.category, replica.names)]);
  }
  facts.push(
    ['start', formatClock(hit.start / 1e6, digits)],
    ['stop', formatClock(hit.stop / 1e6, digits)],
    ['duration', formatDuration(wide)],
  );
  if (record !== null) facts.push(...recordFacts(record, hit, replica));
  return facts;
}

function sharesFacts(hit: Hit & { readonly kind: 'shares' }, replica: Replica): Fact[] {
  const wide = (hit.until - hit.since) / 1e6;
  const facts: Fact[] = [
    ['from', formatClock(hit.since / 1e6, digitsFor(wide))],
    ['width', formatDuration(wide)],
  ];
  const sum = (shares: typeof hit.shares): number => shares.reduce((all, [, share]) => all + share, 0);
  const matching = hit.shares.filter(([category]) => category < UNMATCHED);
  for (const [category, share] of matching.slice(0, MOST_SHARES))
    facts.push([categoryName(category, replica.names), formatPercent(share * 100)]);
  const rest = sum(matching.slice(MOST_SHARES));
  if (rest > 0) facts.push([`${matching.length - MOST_SHARES} others`, formatPercent(rest * 100)]);
  if (matching.length < hit.shares.length)
    facts.push(['not matching', formatPercent((sum(hit.shares) - sum(matching)) * 100)]);
  facts.push(['idle', formatPercent(Math.max(0, 1 - sum(hit.shares)) * 100)]);
  return facts;
}

function recordFacts(record: RecordView, hit: Hit & { readonly kind: 'slice' }, replica: Replica): Fact[] {
  const facts: Fact[] = [];
  if (record.status !== 'memory') facts.push(['status', record.status]);
  else facts.push(['result', `${formatBytes(record.nbytes)}${record.type === '' ? '' : ` · ${record.type}`}`]);
  if (record.ready !== null) facts.push(['ready', waitOf(record, record.ready)]);
  const others = record.startstops.filter(
    (s) => Math.round(s.start * 1e6) !== hit.start || Math.round(s.stop * 1e6) !== hit.stop || s.source !== undefined,
  );
  for (const { action, start, stop, source } of others) {
    const from = source === undefined ? '' : ` ← ${sourceLabel(source, replica)}`;
    const digits = digitsFor(stop - start);
    facts.push([
      action,
      `${formatClock(start, digits)} – ${formatClock(stop, digits)} · ${formatDuration(stop - start)}${from}`,
    ]);
  }
  if (record.past) facts.push(['note', 'finished before we attached']);
  return facts;
}

/** `12:00:01.200, waited 340 ms, then 20 ms transfer, 1.2 s compute`. */
export function waitOf({ start, startstops }: RecordView, ready: number): string {
  const spent = new Map<string, number>();
  for (const s of startstops) spent.set(s.action, (spent.get(s.action) ?? 0) + s.stop - s.start);
  const then = [...spent].map(([action, seconds]) => `${formatDuration(seconds)} ${action}`).join(', ');
  const wait = start - ready;
  return `${formatClock(ready, digitsFor(wait))}, waited ${formatDuration(wait)}${then === '' ? '' : `, then ${then}`}`;
}

function sourceLabel(address: string, replica: Replica): string {
  const track = replica.tracks.find((t) => t?.address === address);
  return track === undefined ? address.replace(/^[a-z]+:\/\//, '') : workerLabel(track);
}

/** One sentence about a record, for ears. */
export function spoken(record: RecordView): string {
  const took = record.stop === null ? 'running' : formatDuration(record.stop - record.start);
  const error = record.exception === undefined ? '' : `, ${record.exception}`;
  const worker = record.worker_name === '' ? record.worker : record.worker_name;
  return `${formatName(record.name)}, ${record.status}${error}, ${took}, worker ${worker} thread ${record.slot}, started ${formatClock(record.start, 3)}, key ${record.key}`;
}
