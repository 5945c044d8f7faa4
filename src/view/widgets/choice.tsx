import { For, type JSX } from 'solid-js';

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly (readonly [value: T, title: string])[];
  readonly value: T;
  readonly onChoose: (value: T) => void;
}

/** A few exclusive choices side by side. */
export function Choice<T extends string>(props: ChoiceProps<T>): JSX.Element {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out inline in a title
    <span class="segments" role="group" aria-label={props.label}>
      <For each={props.options}>
        {([value, title]) => (
          <button type="button" class="tool" aria-pressed={props.value === value} onClick={() => props.onChoose(value)}>
            {title}
          </button>
        )}
      </For>
    </span>
  );
}
