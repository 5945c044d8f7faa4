import '../search/search.css';
import { createEffect, createMemo, createSignal, type JSX, on, Show } from 'solid-js';
import type { RecordView } from '../../model/batch.ts';
import { ExportMenu } from '../export/export-menu.tsx';
import { formatCount, plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { rowsChoice, sameRows } from '../rows/rows-address.ts';
import { AreaPanel } from '../search/area-panel.tsx';
import { FilterChips } from '../search/filter-chips.tsx';
import { HitMarks } from '../search/hit-marks.ts';
import { SearchBox } from '../search/search-box.tsx';
import { createTasksModel } from '../search/tasks-model.ts';
import {
  type AreaChoice,
  filterParameters,
  isFiltered,
  tracksOfText,
  trackText,
  windowFilter,
} from '../search/tasks-state.ts';
import { useTheme } from '../theme.ts';
import { type Area, AreaTool } from '../timeline/area.ts';
import { streamNumbers } from '../timeline/drawing/numbers.ts';
import type { TimelineState } from '../timeline/drawing/report.ts';
import { Records } from '../timeline/records/records.ts';
import { createTasksInView } from '../timeline/records/tasks-in-view.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { type Details, TimelineView } from '../timeline/timeline-view.tsx';

/** All of history: the stream with a minimap, search, filters and the area that is selected; its state is in the address. */
export function TasksTimeline(): JSX.Element {
  const live = useLive();
  const theme = useTheme();
  const model = createTasksModel(() => (theme.choice() === 'system' ? null : theme.choice()));
  const { state } = model;
  const records = new Records();
  const marks = new HitMarks();
  const [selecting, setSelecting] = createSignal(false);
  const [stream, setStream] = createSignal<{ timeline: Timeline; details: Details; tool: AreaTool } | null>(null);
  const [shown, setShown] = createSignal<Pick<TimelineState, 'following' | 'since' | 'until'> | null>(null);
  const opened = state();

  // What hangs on one part of the state asks for that part alone.
  const narrowed = createMemo(() => filterParameters(state()), undefined, {
    equals: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  const functions = createMemo(() => state().functions);
  const matching = createMemo(() => windowFilter(state()), undefined, {
    equals: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  const named = createMemo(() => state().named);
  const highlight = createMemo(() => state().mark);
  const choice = createMemo(() => state().area);
  const chosenWorkers = createMemo(() => state().workers);
  const names = (): string[] => {
    live.state();
    return live.replica.names.filter((name) => name !== undefined && name !== '');
  };
  const workers = (): string[] => {
    live.state();
    const found = live.replica.tracks.flatMap((track) => (track === undefined ? [] : [track.name || track.address]));
    return [...new Set(found)];
  };
  const total = (): number => {
    live.state();
    return live.replica.totals?.records ?? 0;
  };

  const area = (): Area | null => {
    const chosen = choice();
    if (chosen === null) return null;
    const tracks = chosen.tracks === null ? null : tracksOfText(chosen.tracks);
    return { since: Math.round(chosen.since * 1e6), until: Math.round(chosen.until * 1e6), tracks };
  };
  const choose = (chosen: Area | null, done: boolean): void => {
    if (!done) return;
    setSelecting(false);
    model.change(chosen === null ? { area: null, mark: null } : { area: choiceOf(chosen) }, true);
  };
  createEffect(() => {
    const tool = stream()?.tool;
    if (tool !== undefined) tool.area = area();
  });
  createEffect(() => stream()?.timeline.setRows({ workers: chosenWorkers() }));
  const onRows = (): void => {
    const made = stream()?.timeline;
    if (made === undefined) return;
    const rows = rowsChoice(made.rows.options);
    if (!sameRows(rows, state().rows)) model.change({ rows });
  };
  const zoomToArea = (): void => {
    const chosen = area();
    if (chosen === null) return;
    const air = (chosen.until - chosen.since) * 0.02;
    stream()?.timeline.camera.show(chosen.since - air, chosen.until + air);
  };
  const giveUp = (): boolean => {
    if (selecting()) setSelecting(false);
    else if (highlight() !== null) model.change({ mark: null });
    else if (state().area !== null) choose(null, true);
    else return false;
    return true;
  };

  /** The task that the address names, once its row is known. */
  const [wanted, setWanted] = createSignal<{ record: RecordView; move: boolean } | null>(null);
  const want = async (task: number | null, move: boolean): Promise<void> => {
    setWanted(null);
    if (task === null) return;
    const record = await records.read(task);
    if (record !== null && state().task === task) setWanted({ record, move });
  };
  createEffect(() => {
    live.state();
    const task = wanted();
    if (task !== null && stream()?.details.show(task.record, task.move) === true) setWanted(null);
  });
  void want(opened.task, opened.range === null);
  createEffect(
    on(
      model.restored,
      () => {
        const { elapsed, range, rows, task } = state();
        stream()?.timeline.setRows(rows);
        stream()?.timeline.setElapsed(elapsed);
        stream()?.timeline.applyViewState(range === null ? { follow: true } : { ...range, follow: false });
        if (task === null) stream()?.details.close();
        else void want(task, range === null);
      },
      { defer: true },
    ),
  );
  const onHit = (record: RecordView): void => {
    model.change({ task: record.record }, true);
    if (stream()?.details.show(record, true) !== true) setWanted({ record, move: true });
  };

  const inView = createTasksInView({ records, shown, total, narrowed });
  const onState = ({ elapsed, following, since, until }: TimelineState): void => {
    setShown({ following, since, until });
    model.look({ elapsed, range: following ? null : { since, until } });
  };

  const numbers = (): string => {
    const { where } = streamNumbers(live.replica);
    const seen = inView();
    const text = state().named.trim().toLowerCase();
    if (text !== '') {
      const matching = names().filter((name) => name.toLowerCase().includes(text));
      const functions = `${formatCount(matching.length)} of ${plural(names().length, 'function')} shown`;
      return `${functions} · ${plural(total(), 'task')} in all · ${where}`;
    }
    const which = isFiltered(state()) ? ' that match' : '';
    if (seen === undefined && which !== '')
      return `looking for what matches among ${plural(total(), 'task')} · ${where}`;
    const tasks =
      seen === null || seen === undefined
        ? plural(total(), 'task')
        : `${formatCount(Math.min(seen, total()))}${which} of ${plural(total(), 'task')} in view`;
    return `${tasks} · ${where}`;
  };
  return (
    <>
      <div class="tasks-bar">
        <SearchBox
          state={state()}
          onChange={(part) => model.change(part)}
          onFilter={(part) => model.change(part, true)}
          onHit={onHit}
          onEscape={() => {
            const open = state().task !== null;
            if (open) stream()?.details.close();
            return open;
          }}
          onMarks={(found) => {
            marks.marks = found;
            stream()?.timeline.setMarks(found);
          }}
        />
        <FilterChips
          filter={state()}
          functions={names}
          workers={workers}
          onChange={(part) => model.change(part, true)}
        />
      </div>
      <TimelineView
        numbers={numbers}
        follows="history"
        minimap={true}
        filter={named()}
        functions={functions()}
        tasks={matching()}
        highlight={highlight()}
        narrowed={narrowed()}
        list={state().list}
        onList={(list) => model.change({ list })}
        start={opened.range}
        onState={onState}
        onTimeline={(timeline, details) => {
          const tool = new AreaTool(timeline, choose);
          timeline.addOverlay(marks);
          timeline.addOverlay(tool);
          timeline.setRows(opened.rows);
          timeline.setElapsed(opened.elapsed);
          setStream({ timeline, details, tool });
        }}
        onRows={onRows}
        onOnly={(name, worker) => {
          const { functions, workers: chosen } = state();
          if (name !== null) model.change({ functions: [...new Set([...functions, name])] }, true);
          if (worker !== null) model.change({ workers: [...new Set([...chosen, worker])] }, true);
        }}
        onPinned={(hit) => {
          const task = hit?.kind === 'slice' && hit.record >= 0 ? hit.record : null;
          if (task !== state().task) model.change({ task });
        }}
        onEscape={giveUp}
        onArea={() => {
          const view = stream()?.tool.ofView() ?? null;
          if (view !== null) choose(view, true);
        }}
        grab={(at, event) => stream()?.tool.grab(at, selecting() || event.shiftKey) ?? null}
        tools={
          <>
            <button
              type="button"
              class="tool select-area"
              aria-pressed={selecting()}
              title="Drag over rows and time to see what is in them (Shift and drag; X takes what is in view)"
              onClick={() => setSelecting(!selecting())}
            >
              Area
            </button>
            <ExportMenu view={shown()} area={choice()} narrowed={narrowed()} />
            <input
              type="search"
              class="stream-filter"
              aria-label="Show functions whose name contains"
              placeholder="Function…"
              value={named()}
              onInput={(event) => model.change({ named: event.currentTarget.value })}
            />
          </>
        }
      />
      <Show when={choice()}>
        {(chosen) => (
          <AreaPanel
            area={chosen()}
            narrowed={narrowed()}
            by={state().by}
            onBy={(by) => model.change({ by })}
            highlight={highlight()}
            onHighlight={(mark) => model.change({ mark })}
            onZoom={zoomToArea}
            onClose={() => choose(null, true)}
          />
        )}
      </Show>
    </>
  );
}

function choiceOf({ since, until, tracks }: Area): AreaChoice {
  return { since: since / 1e6, until: until / 1e6, tracks: tracks === null ? null : trackText([...tracks]) };
}
