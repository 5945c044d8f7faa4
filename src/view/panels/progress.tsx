import './progress.css';
import { createMemo, createSignal, For, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { STATE_INDEX } from '../../model/task-state.ts';
import type { FunctionRow } from '../../store/replica.ts';
import { functionClass } from '../colors.ts';
import { formatBytes, formatCount, formatName, plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { Choice } from '../widgets/choice.tsx';
import { Panel } from '../widgets/panel.tsx';
import { TableTwin, type TwinColumn } from '../widgets/table-twin.tsx';
import { sharedTooltip } from '../widgets/tooltip.ts';
import { type ProgressPlan, planProgress } from './progress-plan.ts';

/** Left to right in a bar; waiting is the empty rest. */
const SEGMENTS = ['released', 'memory', 'erred', 'processing', 'queued', 'no-worker'] as const;
/** Every state in a reader's order, with its name for people. */
const STATES = [
  ['processing', 'processing'],
  ['queued', 'queued'],
  ['waiting', 'waiting'],
  ['no-worker', 'no worker'],
  ['memory', 'in memory'],
  ['released', 'released'],
  ['erred', 'erred'],
] as const;
type Coloring = 'function' | 'state';
const NO_PLAN: ProgressPlan = { columns: 1, shown: 0 };

/** How far each function has come: the largest functions as bars, every function in the table twin. */
export function Progress(): JSX.Element {
  const live = useLive();
  const [coloring, setColoring] = createSignal<Coloring>('function');
  const [table, setTable] = createSignal(false);
  const rows = createMemo(() => {
    live.state();
    const found: FunctionRow[] = [];
    for (let fn = 0; fn < live.replica.functionCount; fn++) {
      const row = live.replica.functionRow(fn);
      if (row.total > 0) found.push(row);
    }
    // Equal totals stay in order of first appearance: a bar moves only when it has outgrown another.
    return found.sort((a, b) => b.total - a.total);
  });
  const [size, setSize] = createSignal<{ width: number; height: number | null }>({ width: 600, height: 200 });
  const plan = createMemo<ProgressPlan>(() => planProgress(size().width, size().height, rows().length), NO_PLAN, {
    equals: (a, b) => a.columns === b.columns && a.shown === b.shown,
  });
  const shown = createMemo(() =>
    rows()
      .slice(0, plan().shown)
      .map((row) => row.fn),
  );
  // As wide as the widest count can become, so that bars begin and end together and stand still.
  const doneWidth = () => 2 * formatCount(rows()[0]?.total ?? 0).length + 2;
  const hidden = () => rows().length - plan().shown;
  let list!: HTMLDivElement;
  onMount(() => {
    const narrow = matchMedia('(max-width: 899.98px)');
    const measure = () =>
      setSize({ width: list.clientWidth - 24, height: narrow.matches ? null : list.clientHeight - 8 });
    const observer = new ResizeObserver(measure);
    observer.observe(list);
    onCleanup(() => observer.disconnect());
  });
  return (
    <Panel
      title="Progress"
      class="progress"
      numbers={<Numbers />}
      tools={
        <Choice
          label="Colour bars by"
          options={[
            ['function', 'By function'],
            ['state', 'By state'],
          ]}
          value={coloring()}
          onChoose={setColoring}
        />
      }
      tableOpen={table()}
      onTable={setTable}
      table={() => <TableTwin caption="Progress of every function" columns={COLUMNS} rows={rows()} />}
    >
      <div class="bars" data-coloring={coloring()} ref={list} inert={table()}>
        <ul
          style={{
            'grid-template-columns': `repeat(${plan().columns}, minmax(0, 1fr))`,
            '--done-width': `${doneWidth()}ch`,
          }}
        >
          <For each={shown()}>{(fn) => <Bar fn={fn} />}</For>
        </ul>
        <Show when={hidden() > 0}>
          <button type="button" class="tool rest" onClick={() => setTable(true)}>
            and {plural(hidden(), 'smaller function')}
          </button>
        </Show>
        <Show when={rows().length === 0}>
          <p class="note">Functions appear here as soon as the scheduler has tasks of them.</p>
        </Show>
      </div>
    </Panel>
  );
}

/** Counts of every state over all functions: the title bar. */
function Numbers(): JSX.Element {
  const live = useLive();
  const totals = () => live.stateTotals();
  const text = () => {
    const counts = totals();
    const all = counts.reduce((sum, n) => sum + n, 0);
    const parts = STATES.map(([state, name]) => `${formatCount(counts[STATE_INDEX[state]]!)} ${name}`);
    return [`${formatCount(all)} total`, ...parts].join(' · ');
  };
  return (
    <span
      title={text()}
      data-processing={totals()[STATE_INDEX.processing]}
      data-queued={totals()[STATE_INDEX.queued]}
      data-waiting={totals()[STATE_INDEX.waiting]}
      data-no-worker={totals()[STATE_INDEX['no-worker']]}
      data-memory={totals()[STATE_INDEX.memory]}
      data-released={totals()[STATE_INDEX.released]}
      data-erred={totals()[STATE_INDEX.erred]}
    >
      {text()}
    </span>
  );
}

function Bar(props: { readonly fn: number }): JSX.Element {
  const live = useLive();
  const row = createMemo(() => {
    live.state();
    return live.replica.functionRow(props.fn);
  });
  /** Where each segment begins and ends, percent of the bar. */
  const edges = createMemo(() => {
    const { states, total } = row();
    let sum = 0;
    return SEGMENTS.map((state) => {
      const start = sum;
      sum += states[STATE_INDEX[state]]!;
      return [percent(start, total), percent(sum, total)] as const;
    });
  });
  const hover = (event: MouseEvent) => sharedTooltip().show(event.clientX, event.clientY, tooltipOf(row()));
  onCleanup(() => sharedTooltip().hide());
  return (
    <li
      class={functionClass(props.fn)}
      data-function={row().name}
      data-total={row().total}
      data-released={row().states[STATE_INDEX.released]}
      data-memory={row().states[STATE_INDEX.memory]}
      data-erred={row().states[STATE_INDEX.erred]}
      data-processing={row().states[STATE_INDEX.processing]}
      data-queued={row().states[STATE_INDEX.queued]}
      data-no-worker={row().states[STATE_INDEX['no-worker']]}
      data-waiting={row().states[STATE_INDEX.waiting]}
      onMouseMove={hover}
      onMouseLeave={() => sharedTooltip().hide()}
    >
      <span class="cut">{formatName(row().name)}</span>
      <span class="track" aria-hidden="true">
        <For each={SEGMENTS}>
          {(state, i) => <i class={`segment ${state}`} style={ends(edges()[i()]!, state === 'erred')} />}
        </For>
      </span>
      <span class="done">
        {formatCount(doneOf(row()))} / {formatCount(row().total)}
      </span>
    </li>
  );
}

/** Where the style sheet cuts a layer as wide as the bar. Nothing is laid out again, and hatches keep their angle. */
function ends([start, stop]: readonly [number, number], always: boolean): JSX.CSSProperties {
  // One erred task of a million is still seen.
  const least = always && stop > start;
  return { '--start': `${start}%`, '--stop': least ? `max(${stop}%, ${start}% + 3px)` : `${stop}%` };
}

function percent(part: number, total: number): number {
  return total === 0 ? 0 : Math.round((part / total) * 1e4) / 100;
}

function doneOf(row: FunctionRow): number {
  return row.states[STATE_INDEX.released]! + row.states[STATE_INDEX.memory]! + row.states[STATE_INDEX.erred]!;
}

function tooltipOf(row: FunctionRow) {
  return {
    title: formatName(row.name),
    swatch: functionClass(row.fn),
    facts: [
      ['done', `${formatCount(doneOf(row))} / ${formatCount(row.total)}`] as const,
      ...STATES.map(([state, name]) => [name, formatCount(row.states[STATE_INDEX[state]]!)] as const),
      ['bytes in memory', formatBytes(row.nbytes)] as const,
    ],
  };
}

const COLUMNS: readonly TwinColumn<FunctionRow>[] = [
  { title: 'Function', cell: (row) => formatName(row.name) },
  { title: 'Done', number: true, cell: (row) => formatCount(doneOf(row)) },
  { title: 'Total', number: true, cell: (row) => formatCount(row.total) },
  ...STATES.map(([state, name]) => ({
    title: name[0]!.toUpperCase() + name.slice(1),
    number: true,
    cell: (row: FunctionRow) => formatCount(row.states[STATE_INDEX[state]]!),
  })),
  { title: 'Bytes', number: true, cell: (row) => formatBytes(row.nbytes) },
];
