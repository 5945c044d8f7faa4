import { createResource, For, type JSX, Show } from 'solid-js';
import { PAGES } from '../address.ts';
import type { LinkText } from '../link-text.ts';
import { Logo } from '../widgets/logo.tsx';
import { ThemeSelect } from '../widgets/theme-select.tsx';
import type { DebugState } from './debug-state.ts';
import { type OtherProcess, otherProcesses } from './other-processes.ts';

/** The main pages' header where there are main pages, and what stops the reading. */
export function DebugHeader(props: { readonly state: DebugState; readonly text: LinkText }): JSX.Element {
  const { pages, base } = props.state.path;
  const [others] = createResource(() => (pages === null ? [] : otherProcesses(pages)));
  const here = () => others()?.findIndex((other) => other.href === `${base}debug`) ?? -1;
  return (
    <header class="header">
      <div class="brand">
        <Logo />
        Taskglass
      </div>
      <Show when={pages !== null}>
        <nav class="nav" aria-label="Pages">
          <For each={PAGES}>{(page) => <a href={pages + page.name}>{page.title}</a>}</For>
        </nav>
      </Show>
      <Show when={(others()?.length ?? 0) > 0}>
        <select
          class="theme-select processes"
          aria-label="Process"
          onChange={(event) => {
            const next = others()?.[Number(event.currentTarget.value)];
            if (next !== undefined) location.assign(next.href);
          }}
        >
          <Show when={here() === -1}>
            <option selected>Other process…</option>
          </Show>
          <For each={others()}>
            {(other: OtherProcess, i) => (
              <option value={i()} selected={i() === here()}>
                {other.title}
              </option>
            )}
          </For>
        </select>
      </Show>
      <div class="spring" />
      <span class="link-state" role="status" data-tone={props.text.tone}>
        {props.text.label}
      </span>
      <button
        type="button"
        class="button pause"
        aria-pressed={props.state.paused()}
        onClick={() => props.state.pause(!props.state.paused())}
      >
        Pause
      </button>
      <ThemeSelect />
    </header>
  );
}
