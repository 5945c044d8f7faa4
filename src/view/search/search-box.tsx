import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, onMount } from 'solid-js';
import type { RecordView } from '../../model/batch.ts';
import { formatCount } from '../format.ts';
import { askApi } from './ask-api.ts';
import { type Marks, NO_SEARCH, Search, type SearchPage } from './search.ts';
import { filterParameters, isFiltered, type TasksState } from './tasks-state.ts';

export interface SearchBoxProps {
  readonly state: TasksState;
  readonly onChange: (part: Partial<Pick<TasksState, 'search' | 'regex'>>) => void;
  /** The text becomes a filter of keys. */
  readonly onFilter: (part: Pick<TasksState, 'search' | 'regex' | 'key' | 'pattern'>) => void;
  readonly onHit: (record: RecordView) => void;
  readonly onMarks: (marks: Marks | null) => void;
  /** Escape in the box; true: the details of a hit were open, and are closed. */
  readonly onEscape: () => boolean;
}

/** A search begins when nothing was typed for so long, ms. */
const PAUSE = 250;

/** Looks for a text in all of history: keys, functions, workers, errors; goes from hit to hit, or through what filters leave. */
export function SearchBox(props: SearchBoxProps): JSX.Element {
  const [found, setFound] = createSignal(NO_SEARCH);
  let input!: HTMLInputElement;
  let search: Search | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** Nothing is looked for. Filters alone are: one goes from one task that matches to the next. */
  const idle = (): boolean => props.state.search === '' && !isFiltered(props.state);
  const begin = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    search?.end();
    search = null;
    const { search: text, regex } = props.state;
    if (idle()) {
      setFound(NO_SEARCH);
      return;
    }
    const common = [
      ...(text === '' ? [] : [['q', text] as const, ['regex', regex ? '1' : '0'] as const]),
      ...filterParameters(props.state, 'text_regex'),
    ];
    search = new Search(
      (query, signal) =>
        askApi<SearchPage>(
          'search',
          [
            ...common,
            ['order', query.order],
            ['limit', String(query.limit)],
            ['count', query.count ? '1' : '0'],
            ...(query.after === null ? [] : [['after', String(query.after)] as const]),
            // What filters leave is in the picture as it is.
            ...(query.marks === 0 || text === '' ? [] : [['marks', String(query.marks)] as const]),
          ],
          signal,
        ),
      setFound,
    );
  };
  const what = createMemo(() => JSON.stringify([props.state.search, props.state.regex, filterParameters(props.state)]));
  createEffect(
    on(what, () => {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(begin, PAUSE);
    }),
  );
  createEffect(() => props.onMarks(found().marks));
  const go = async (direction: 1 | -1): Promise<void> => {
    if (timer !== null) begin();
    const hit = await search?.go(direction);
    if (hit != null) props.onHit(hit);
  };
  const onSlash = (event: KeyboardEvent): void => {
    const { target } = event;
    const typing = target instanceof HTMLElement && target.closest('input, select, textarea, dialog') !== null;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    input.focus();
    input.select();
  };
  onMount(() => document.addEventListener('keydown', onSlash));
  onCleanup(() => {
    document.removeEventListener('keydown', onSlash);
    if (timer !== null) clearTimeout(timer);
    search?.end();
  });
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      void go(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (props.onEscape()) return;
      if (props.state.search === '') input.blur();
      else props.onChange({ search: '' });
    }
  };
  const says = (): string => {
    const { index, total, problem, busy } = found();
    if (idle()) return '';
    if (problem !== null) return problem;
    if (total === null) return index < 0 ? 'searching…' : `${formatCount(index + 1)} of …`;
    if (total === 0) return busy ? 'searching…' : 'no hit';
    return index < 0
      ? `${formatCount(total)} ${total === 1 ? 'hit' : 'hits'}`
      : `${formatCount(index + 1)} of ${formatCount(total)}`;
  };
  const none = (): boolean => idle() || found().total === 0 || found().problem !== null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element `search` is not known to all browsers that we run in
    <div class="search-box" role="search">
      <input
        ref={input}
        type="search"
        aria-label="Search all history"
        title="Looks into keys, functions, workers and errors (/)"
        placeholder="Search key, function, worker, error"
        maxlength={props.state.regex ? 256 : 1_000}
        value={props.state.search}
        onInput={(event) => props.onChange({ search: event.currentTarget.value })}
        onKeyDown={onKey}
      />
      <button
        type="button"
        class="tool mono"
        aria-pressed={props.state.regex}
        aria-label="Regular expression"
        title="The text is a regular expression"
        onClick={() => props.onChange({ regex: !props.state.regex })}
      >
        .*
      </button>
      <button
        type="button"
        class="tool"
        aria-label="Use as a filter of keys"
        title="Show only tasks whose key this is found in (capitals matter)"
        disabled={props.state.search === '' || found().problem !== null}
        onClick={() => {
          const { search: key, regex: pattern } = props.state;
          props.onFilter({ search: '', regex: false, key, pattern });
        }}
      >
        Filter
      </button>
      <button
        type="button"
        class="tool"
        aria-label="Previous hit"
        title="Previous hit (Shift Enter)"
        disabled={none()}
        onClick={() => void go(-1)}
      >
        ‹
      </button>
      <button
        type="button"
        class="tool"
        aria-label="Next hit"
        title="Next hit (Enter)"
        disabled={none()}
        onClick={() => void go(1)}
      >
        ›
      </button>
      <span class="search-says" role="status" data-bad={found().problem !== null}>
        {says()}
      </span>
    </div>
  );
}
