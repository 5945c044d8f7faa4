import { createSignal, createUniqueId, For, Index, type JSX, Show } from 'solid-js';
import type { DebugFact, DebugView } from '../../model/debug.ts';
import { formatClock, formatPercent } from '../format.ts';
import { Panel } from '../widgets/panel.tsx';
import { DebugSeries } from './debug-series.tsx';
import { DebugTable } from './debug-table.tsx';
import type { TopicState } from './feed.ts';
import { FlameGraph, treeTable } from './flame-graph.tsx';
import { seriesTable } from './series-numbers.ts';
import { formatValue } from './values.ts';

export interface DebugPanelProps {
  readonly title: string;
  readonly state: TopicState;
  /** False: the process is lost, so what is shown is old. */
  readonly reached: boolean;
}

/** One topic of a process, whatever it consists of. */
export function DebugPanel(props: DebugPanelProps): JSX.Element {
  const [tables, setTables] = createSignal(false);
  const body = createUniqueId();
  const drawn = () => (props.state.view?.series.length ?? 0) + (props.state.view?.trees.length ?? 0) > 0;
  const numbers = () => {
    const { view, cost } = props.state;
    if (view === null) return '';
    const read = props.reached && props.state.failure === null ? 'read' : 'last read';
    return `${read} ${formatClock(view.time)}${cost > 0 ? ` · costs ${costText(cost)}` : ''}`;
  };
  const toggle = () => (
    <Show when={drawn()}>
      <button
        type="button"
        class="tool"
        aria-pressed={tables()}
        aria-controls={body}
        aria-label={`Show ${props.title} as table`}
        title="Show as table"
        onClick={() => setTables((open) => !open)}
      >
        Table
      </button>
    </Show>
  );
  return (
    <Panel title={props.title} class="topic-panel" numbers={numbers()} tools={toggle()}>
      <div class="topic-body" id={body}>
        <Show when={props.state.failure}>
          {(failure) => (
            <p class="failure" role="status">
              <b>{failure().title}</b> {failure().detail} {failure().advice}
            </p>
          )}
        </Show>
        <Show when={props.state.view} fallback={<Waiting failed={props.state.failure !== null} />}>
          {(view) => <Content view={view()} tables={tables()} />}
        </Show>
      </div>
    </Panel>
  );
}

/** Share of a core. */
export function costText(share: number): string {
  return `${formatPercent(share * 100)} of a core`;
}

function Waiting(props: { readonly failed: boolean }): JSX.Element {
  return (
    <Show when={!props.failed}>
      <p class="empty">Reading…</p>
    </Show>
  );
}

function Content(props: { readonly view: DebugView; readonly tables: boolean }): JSX.Element {
  const isEmpty = () => {
    const { facts, tables, series, trees, notes } = props.view;
    return facts.length + tables.length + series.length + trees.length + notes.length === 0;
  };
  return (
    <>
      <Show when={isEmpty()}>
        <p class="empty">There is nothing to show.</p>
      </Show>
      <For each={[...new Set(props.view.notes)]}>{(note) => <p class="hint">{note}</p>}</For>
      <Show when={props.view.facts.length > 0}>
        <dl class="fact-grid">
          <Index each={props.view.facts}>{(fact) => <Fact fact={fact()} now={props.view.time} />}</Index>
        </dl>
      </Show>
      <Show when={props.view.series.length > 0}>
        <div class="topic-grid">
          <Index each={props.view.series}>
            {(series) => (
              <Show when={props.tables} fallback={<DebugSeries series={series()} />}>
                <DebugTable table={seriesTable(series())} now={props.view.time} />
              </Show>
            )}
          </Index>
        </div>
      </Show>
      <Index each={props.view.trees}>
        {(tree) => (
          <Show when={props.tables} fallback={<FlameGraph tree={tree()} />}>
            <DebugTable table={treeTable(tree())} now={props.view.time} />
          </Show>
        )}
      </Index>
      <Show when={props.view.tables.length > 0}>
        <div class="topic-grid">
          <Index each={props.view.tables}>{(table) => <DebugTable table={table()} now={props.view.time} />}</Index>
        </div>
      </Show>
    </>
  );
}

function Fact(props: { readonly fact: DebugFact; readonly now: number }): JSX.Element {
  const text = () => formatValue(props.fact.value, props.fact.unit, props.now);
  return (
    <div class="fact" data-long={text().length > 18} data-yes={props.fact.value === true}>
      <dt>{props.fact.name}</dt>
      <dd classList={{ mono: props.fact.unit === 'key' }}>{text()}</dd>
    </div>
  );
}
