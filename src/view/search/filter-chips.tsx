import { createSignal, createUniqueId, For, type JSX, onCleanup, Show } from 'solid-js';
import { askApi } from './ask-api.ts';
import { chipsOf, KINDS, type Kind, partOf, STATUSES } from './chips.ts';
import { filterParameters, isFiltered, NO_FILTER, type TaskFilter } from './tasks-state.ts';

const PLACEHOLDERS: Partial<Record<Kind, string>> = {
  'longer than': 'seconds',
  'shorter than': 'seconds',
  'key matches': '^inc-.*7$',
};

export interface FilterChipsProps {
  readonly filter: TaskFilter;
  /** What there is to choose from. */
  readonly functions: () => readonly string[];
  readonly workers: () => readonly string[];
  readonly onChange: (part: Partial<TaskFilter>) => void;
}

/** What narrows the tasks of the page, each with a way to take it off, and a way to add more. */
export function FilterChips(props: FilterChipsProps): JSX.Element {
  const [adding, setAdding] = createSignal(false);
  let add!: HTMLButtonElement;
  const close = (): void => {
    setAdding(false);
    add.focus();
  };
  return (
    <div class="chips">
      <For each={chipsOf(props.filter)}>
        {(chip) => (
          <span class="chip">
            <span class="chip-kind">{chip.kind}</span> <b>{chip.value}</b>
            <button
              type="button"
              class="tool"
              aria-label={`Remove the filter ${chip.kind} ${chip.value}`}
              onClick={() => props.onChange(chip.without)}
            >
              ✕
            </button>
          </span>
        )}
      </For>
      <button
        ref={add}
        type="button"
        class="tool"
        aria-expanded={adding()}
        title="Show only some tasks"
        onClick={() => setAdding(!adding())}
      >
        + Filter
      </button>
      <Show when={isFiltered(props.filter)}>
        <button type="button" class="tool" onClick={() => props.onChange(NO_FILTER)}>
          Clear
        </button>
      </Show>
      <Show when={adding()}>
        <AddFilter {...props} onClose={close} />
      </Show>
    </div>
  );
}

function AddFilter(props: FilterChipsProps & { readonly onClose: () => void }): JSX.Element {
  const [kind, setKind] = createSignal<Kind>('function');
  const [value, setValue] = createSignal('');
  /** Why the value is none; empty: nothing is known against it. */
  const [problem, setProblem] = createSignal('');
  const asking = new AbortController();
  onCleanup(() => asking.abort());
  const id = createUniqueId();
  const choices = (): readonly string[] => {
    if (kind() === 'function') return props.functions();
    if (kind() === 'worker') return props.workers();
    return kind() === 'status' ? STATUSES : [];
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const text = value().trim();
    const part = partOf(props.filter, kind(), text);
    if (part !== null) setProblem('');
    else setProblem(text === '' ? 'Type a value' : `“${text}” cannot be looked for`);
    if (part === null) return;
    if (part.pattern === true) void addPattern(part);
    else add(part);
  };
  const add = (part: Partial<TaskFilter>): void => {
    props.onChange(part);
    props.onClose();
  };
  /** Only the server knows what is a pattern: it is asked for hits behind the last task. */
  const addPattern = async (part: Partial<TaskFilter>): Promise<void> => {
    const parameters = [
      ...filterParameters({ ...NO_FILTER, ...part }, 'text_regex'),
      ['count', '0'] as const,
      ['after', '999999999999999'] as const,
    ];
    try {
      const answer = await askApi<object>('search', parameters, asking.signal);
      if (asking.signal.aborted) return;
      if (typeof answer === 'string') setProblem(answer);
      else add(part);
    } catch {
      // The form was closed meanwhile.
    }
  };
  return (
    <form
      class="add-filter"
      aria-label="Add a filter"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') props.onClose();
      }}
    >
      <select
        aria-label="What to filter by"
        value={kind()}
        onChange={(event) => {
          setKind(KINDS.find((one) => one === event.currentTarget.value) ?? 'function');
          setValue('');
          setProblem('');
        }}
      >
        <For each={KINDS}>{(one) => <option value={one}>{one}</option>}</For>
      </select>
      <input
        ref={(element) => queueMicrotask(() => element.focus())}
        aria-label="Value"
        aria-invalid={problem() !== ''}
        aria-describedby={`${id}-problem`}
        maxlength={kind() === 'key matches' ? 256 : 1_000}
        list={id}
        placeholder={PLACEHOLDERS[kind()] ?? ''}
        inputmode={kind().endsWith('than') ? 'decimal' : 'text'}
        value={value()}
        onInput={(event) => setValue(event.currentTarget.value)}
      />
      <datalist id={id}>
        <For each={choices().slice(0, 500)}>{(choice) => <option value={choice} />}</For>
      </datalist>
      <button type="submit" class="button">
        Add
      </button>
      <span id={`${id}-problem`} class="filter-problem" role="status">
        {problem()}
      </span>
    </form>
  );
}
