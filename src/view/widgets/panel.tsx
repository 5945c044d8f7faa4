import { createSignal, createUniqueId, type JSX, Show } from 'solid-js';

export interface PanelProps {
  /** The region's accessible name and its heading. */
  readonly title: string;
  /** What the title says in numbers. */
  readonly numbers?: JSX.Element;
  /** Controls at the right of the title. */
  readonly tools?: JSX.Element;
  /** The same content as a table, for eyes that do not read plots and for tests. */
  readonly table?: () => JSX.Element;
  /** Opens the table from elsewhere ("and 37 smaller functions"). */
  readonly tableOpen?: boolean;
  readonly onTable?: (open: boolean) => void;
  readonly class?: string;
  readonly children: JSX.Element;
}

/** One plot or table: a landmark with a title that carries its numbers, and a switch to its table twin. */
export function Panel(props: PanelProps): JSX.Element {
  const [own, setOwn] = createSignal(false);
  const open = () => props.tableOpen ?? own();
  const toggle = () => {
    const next = !open();
    setOwn(next);
    props.onTable?.(next);
  };
  const id = createUniqueId();
  return (
    // biome-ignore lint/a11y/noRedundantRoles: tests and assistive technology find panels by this role alone
    <section role="region" aria-label={props.title} class={`panel ${props.class ?? ''}`}>
      <div class="title">
        <h2>{props.title}</h2>
        <span class="numbers">{props.numbers}</span>
        <span class="tools">
          {props.tools}
          <Show when={props.table}>
            <button
              type="button"
              class="tool"
              aria-pressed={open()}
              aria-controls={id}
              aria-label={`Show ${props.title} as table`}
              title="Show as table"
              onClick={toggle}
            >
              Table
            </button>
          </Show>
        </span>
      </div>
      <div class="body" id={id}>
        {props.children}
        <Show when={open() && props.table}>{(table) => <div class="twin">{table()()}</div>}</Show>
      </div>
    </section>
  );
}
