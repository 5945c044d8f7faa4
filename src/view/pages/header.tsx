import { For, type JSX, Show } from 'solid-js';
import { DEBUG_SERVICE } from '../../model/debug.ts';
import { PAGES } from '../address.ts';
import { linkText } from '../link-text.ts';
import { useLive } from '../live-store.ts';
import { usePlayhead } from '../playhead/playhead.ts';
import type { Router } from '../router.ts';
import { Logo } from '../widgets/logo.tsx';
import { ThemeSelect } from '../widgets/theme-select.tsx';
import { ClusterSwitch } from './cluster-switch.tsx';
import { RunExample } from './run-example.tsx';

export function Header(props: { readonly router: Router; readonly onHelp: () => void }): JSX.Element {
  const live = useLive();
  const playhead = usePlayhead();
  const cluster = () => {
    live.state();
    return live.replica.cluster;
  };
  const text = () => {
    live.state();
    const { link, playhead } = live.replica;
    const at = playhead === null ? null : live.replica.clock();
    return linkText(live.status(), link, cluster()?.engine === 'recording', at);
  };
  return (
    <header class="header">
      <div class="brand">
        <Logo />
        Taskglass
      </div>
      <nav class="nav" aria-label="Pages">
        <For each={PAGES.filter(({ name }) => name !== 'history' || props.router.place !== undefined)}>
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
        <Show when={cluster()?.engine !== 'recording' && DEBUG_SERVICE in (cluster()?.services ?? {})}>
          <a href={props.router.url('scheduler/debug').pathname}>Scheduler</a>
        </Show>
      </nav>
      <div class="spring" />
      <Show when={props.router.place}>{(place) => <ClusterSwitch place={place()} page={props.router.page()} />}</Show>
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
      <Show when={playhead?.offered() === true && !playhead.recorded()}>
        <button
          type="button"
          class="tool time-travel"
          aria-pressed={playhead!.open()}
          title="Look at any moment since recording began"
          onClick={() => playhead!.setOpen(!playhead!.open())}
        >
          Time travel
        </button>
      </Show>
      <Show when={cluster()?.example}>
        <RunExample router={props.router} />
      </Show>
      <ThemeSelect />
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
