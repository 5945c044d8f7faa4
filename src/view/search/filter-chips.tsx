import { createSignal, createUniqueId, For, type JSX, Show } from 'solid-js';
import type { RecordStatus } from '../../model/task-state.ts';
import { formatDuration, formatName } from '../format.ts';
import { isFiltered, NO_FILTER, type TaskFilter } from './tasks-state.ts';

export interface FilterChipsProps {
  readonly filter: TaskFilter;
  /** What there is to choose from. */
  readonly functions: () => readonly string[];
  readonly workers: () => readonly string[];
  readonly onChange: (part: Partial<TaskFilter>) => void;
}

interface Chip {
  readonly kind: string;
  readonly value: string;
  readonly without: Partial<TaskFilter>;
}

const KINDS = ['function', 'worker', 'status', 'longer than', 'shorter than', 'key contains'] as const;
type Kind = (typeof KINDS)[number];
const STATUSES: readonly RecordStatus[] = ['memory', 'erred', 'lost'];

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
  const [bad, setBad] = createSignal(false);
  const id = createUniqueId();
  const choices = (): readonly string[] => {
    if (kind() === 'function') return props.functions();
    if (kind() === 'worker') return props.workers();
    return kind() === 'status' ? STATUSES : [];
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const part = partOf(props.filter, kind(), value().trim());
    setBad(part === null);
    if (part === null) return;
    props.onChange(part);
    props.onClose();
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
        }}
      >
        <For each={KINDS}>{(one) => <option value={one}>{one}</option>}</For>
      </select>
      <input
        ref={(element) => queueMicrotask(() => element.focus())}
        aria-label="Value"
        aria-invalid={bad()}
        list={id}
        placeholder={kind().endsWith('than') ? 'seconds' : ''}
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
    </form>
  );
}

/** What choosing a value changes; null: that is no value. */
export function partOf(filter: TaskFilter, kind: Kind, value: string): Partial<TaskFilter> | null {
  if (value === '') return null;
  switch (kind) {
    case 'function':
      return { functions: [...new Set([...filter.functions, value])] };
    case 'worker':
      return { workers: [...new Set([...filter.workers, value])] };
    case 'status': {
      const status = STATUSES.find((one) => one === value);
      return status === undefined ? null : { status };
    }
    case 'key contains':
      return { key: value };
    default: {
      const seconds = Number(value.replace(/\s*s$/, ''));
      if (!(seconds >= 0 && seconds < 1e9)) return null;
      const rounded = Math.round(seconds * 1e9) / 1e9;
      return kind === 'longer than' ? { least: rounded } : { most: rounded };
    }
  }
}

export function chipsOf(filter: TaskFilter): Chip[] {
  const { functions, workers, status, least, most, key } = filter;
  const without = (list: readonly string[], value: string): string[] => list.filter((other) => other !== value);
  const chips: Chip[] = [];
  for (const name of functions)
    chips.push({ kind: 'function', value: formatName(name), without: { functions: without(functions, name) } });
  for (const worker of workers)
    chips.push({ kind: 'worker', value: worker, without: { workers: without(workers, worker) } });
  if (status !== null) chips.push({ kind: 'status', value: status, without: { status: null } });
  if (least !== null) chips.push({ kind: 'longer than', value: formatDuration(least), without: { least: null } });
  if (most !== null) chips.push({ kind: 'shorter than', value: formatDuration(most), without: { most: null } });
  if (key !== '') chips.push({ kind: 'key contains', value: key, without: { key: '' } });
  return chips;
}
