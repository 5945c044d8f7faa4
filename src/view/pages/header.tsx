import { For, type JSX, Show } from 'solid-js';
import { PAGES } from '../address.ts';
import { linkText } from '../link-text.ts';
import { useLive } from '../live-store.ts';
import type { Router } from '../router.ts';
import { THEME_CHOICES, useTheme } from '../theme.ts';
import { RunExample } from './run-example.tsx';

const THEME_TITLES = { system: 'System', light: 'Light', dark: 'Dark' } as const;

export function Header(props: { readonly router: Router; readonly onHelp: () => void }): JSX.Element {
  const live = useLive();
  const theme = useTheme();
  const cluster = () => {
    live.state();
    return live.replica.cluster;
  };
  const text = () => {
    live.state();
    return linkText(live.status(), live.replica.link, cluster()?.engine === 'recording');
  };
  return (
    <header class="header">
      <div class="brand">
        <Logo />
        Taskglass
      </div>
      <nav class="nav" aria-label="Pages">
        <For each={PAGES}>
          {(page) => (
            <a
              href={props.router.href(page.name)}
              aria-current={props.router.page() === page.name ? 'page' : undefined}
              onClick={(event) => props.router.follow(event, page.name)}
            >
              {page.title}
            </a>
          )}
        </For>
      </nav>
      <div class="spring" />
      <Show when={cluster()}>
        {(known) => (
          <span class="address cut" title={`${known().address} · ${known().engine} ${known().version}`}>
            {known().address}
          </span>
        )}
      </Show>
      <span class="link-state" role="status" data-tone={text().tone}>
        {text().label}
      </span>
      <Show when={cluster()?.example}>
        <RunExample router={props.router} />
      </Show>
      <select
        class="theme-select"
        aria-label="Theme"
        value={theme.choice()}
        onChange={(event) => theme.choose(THEME_CHOICES.find((name) => name === event.currentTarget.value) ?? 'system')}
      >
        <For each={THEME_CHOICES}>{(choice) => <option value={choice}>{THEME_TITLES[choice]}</option>}</For>
      </select>
      <button
        type="button"
        class="tool"
        aria-label="Keyboard shortcuts (?)"
        title="Keyboard shortcuts"
        onClick={props.onHelp}
      >
        ?
      </button>
    </header>
  );
}

function Logo(): JSX.Element {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="8.5" cy="8.5" r="6.8" fill="none" stroke="currentColor" stroke-width="1.8" />
      <path d="M13.6 13.6 18 18" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />
      <rect x="4.5" y="5.4" width="5" height="2" rx=".6" fill="#c9a227" />
      <rect x="6.5" y="8" width="6" height="2" rx=".6" fill="#4269d0" />
      <rect x="5" y="10.6" width="4" height="2" rx=".6" fill="#3ca951" />
    </svg>
  );
}
