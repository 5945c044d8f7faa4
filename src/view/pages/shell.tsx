import { createEffect, createSignal, type JSX, lazy, Match, onCleanup, onMount, Show, Switch } from 'solid-js';
import { PAGES } from '../address.ts';
import { useLive } from '../live-store.ts';
import { createPlayhead, PlayheadContext } from '../playhead/playhead.ts';
import type { Router } from '../router.ts';
import { Banners } from './banners.tsx';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { RecordingNote } from './recording-note.tsx';
import { StatusPage } from './status.tsx';
import { TasksPage } from './tasks.tsx';
import { Totals } from './totals.tsx';
import { WorkersPage } from './workers.tsx';

const PlayheadBar = lazy(async () => ({ default: (await import('../playhead/playhead-bar.tsx')).PlayheadBar }));
const HistoryPage = lazy(async () => ({ default: (await import('./history.tsx')).HistoryPage }));

/** What stands around every page. `data-seq` is the state that is on screen; `data-link` and `data-server` are its lines. */
export function Shell(props: {
  readonly router: Router;
  readonly note?: (() => JSX.Element) | undefined;
}): JSX.Element {
  const live = useLive();
  const playhead = createPlayhead(live, props.router.place !== undefined);
  const [help, setHelp] = createSignal(false);
  const title = () => PAGES.find((page) => page.name === props.router.page())?.title ?? '';
  createEffect(() => {
    document.title = `${title()} – Taskglass`;
  });
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    setHelp(true);
  };
  onMount(() => {
    document.addEventListener('keydown', onKey);
    onCleanup(() => document.removeEventListener('keydown', onKey));
  });
  const replica = () => {
    live.state();
    return live.replica;
  };
  return (
    <PlayheadContext.Provider value={playhead}>
      <div
        class="shell"
        classList={{ fitted: !['workers', 'history'].includes(props.router.page()) }}
        data-page={props.router.page()}
        data-seq={replica().seq}
        data-link={replica().link.state}
        data-server={live.status().state}
      >
        <a class="skip" href="#page">
          Skip to the page
        </a>
        <Header router={props.router} onHelp={() => setHelp(true)} />
        <Show when={!live.isFile}>
          <RecordingNote place={props.router.place} />
        </Show>
        <Banners />
        {props.note?.()}
        <Totals />
        <main class={`page ${props.router.page()}`} id="page" tabindex="-1">
          <h1 class="hidden-text">{title()}</h1>
          <Switch>
            <Match when={props.router.page() === 'status'}>
              <StatusPage />
            </Match>
            <Match when={props.router.page() === 'tasks'}>
              <TasksPage />
            </Match>
            <Match when={props.router.page() === 'workers'}>
              <WorkersPage />
            </Match>
            <Match when={props.router.page() === 'history' && props.router.place}>
              {(place) => <HistoryPage place={place()} />}
            </Match>
          </Switch>
        </main>
        <Show when={playhead.open()}>
          <PlayheadBar playhead={playhead} />
        </Show>
        <Show when={help()}>
          <Help onClose={() => setHelp(false)} />
        </Show>
      </div>
    </PlayheadContext.Provider>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
  );
}
