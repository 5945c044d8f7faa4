import './debug.css';
import { createEffect, createMemo, createSignal, For, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { helpFor } from '../../base/help.ts';
import type { DebugIndex } from '../../model/debug.ts';
import { plural } from '../format.ts';
import { HelpLink } from '../widgets/help-link.tsx';
import { DebugHeader } from './debug-header.tsx';
import { costText, DebugPanel } from './debug-panel.tsx';
import type { DebugState } from './debug-state.ts';
import { lineText } from './line-text.ts';

/** Everything that one process knows of itself, a panel a topic. */
export function DebugPage(props: { readonly state: DebugState }): JSX.Element {
  const { state } = props;
  const text = createMemo(() => lineText(state.line(), state.paused(), state.heard()));
  createEffect(() => {
    document.title = `${processName(state.index())} – Taskglass`;
  });
  return (
    <div
      class="shell"
      data-page="debug"
      data-role={state.index()?.role}
      data-line={state.paused() ? 'paused' : state.line().state}
    >
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <DebugHeader state={state} text={text()} />
      <Show when={state.index() !== null && text().banner}>
        {(banner) => (
          <div class="banner" role="alert" data-tone={text().tone}>
            <b>{banner().title}</b>
            <span>{banner().text}</span>
            <Show when={banner().help}>{(section) => <HelpLink section={section()} />}</Show>
            <Show when={state.line().state === 'lost'}>
              <button type="button" class="button" onClick={() => state.retry()}>
                Try now
              </button>
            </Show>
          </div>
        )}
      </Show>
      <Show when={state.index()} fallback={<NotYet state={state} />}>
        {(index) => (
          <>
            <Identity index={index()} state={state} />
            <div class="debug-page">
              <Sections state={state} />
              <main class="topics" id="page" tabindex="-1">
                <h1 class="hidden-text">Debug pages of the {processName(index())}</h1>
                <For each={state.topics()}>{(topic) => <Topic topic={topic} state={state} />}</For>
                <Show when={state.topics().length === 0}>
                  <p class="note">This process has nothing to show.</p>
                </Show>
              </main>
            </div>
          </>
        )}
      </Show>
    </div>
  );
}

function processName(index: DebugIndex | null): string {
  if (index === null) return 'Debug';
  return index.role === 'scheduler' ? 'Scheduler' : `Worker ${index.name}`;
}

/** Which process this is, and what looking at it costs it. */
function Identity(props: { readonly index: DebugIndex; readonly state: DebugState }): JSX.Element {
  const read = () => props.state.topics().filter((topic) => props.state.topic(topic).cost > 0).length;
  return (
    <section class="totals" aria-label="This process" tabindex="0">
      <Total name={props.index.role === 'scheduler' ? 'Scheduler' : 'Worker'}>
        <b>{props.index.role === 'scheduler' ? props.index.address : props.index.name}</b>
      </Total>
      <Show when={props.index.role === 'worker' && props.index.address !== props.index.name}>
        <Total name="Address">
          <b>{props.index.address}</b>
        </Total>
      </Show>
      <Total name={props.index.engine === 'dask' ? 'Dask' : 'Embedded engine'}>
        <b>{props.index.version}</b>
      </Total>
      <Total name="Process">
        <b>{props.index.pid}</b>
      </Total>
      <Total name={`This page costs the ${props.index.role}`} class="cost">
        <b data-total="cost">{costText(props.state.cost())}</b> to read {plural(read(), 'panel')}, without HTTP
      </Total>
    </section>
  );
}

function Total(props: { readonly name: string; readonly class?: string; readonly children: JSX.Element }): JSX.Element {
  return (
    <dl class={`total ${props.class ?? ''}`}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </dl>
  );
}

/** The topics as a list of links; those on screen are marked. */
function Sections(props: { readonly state: DebugState }): JSX.Element {
  return (
    <nav class="sections" aria-label="Sections">
      <ul>
        <For each={props.state.topics()}>
          {(topic) => (
            <li>
              <a href={`#${idOf(topic)}`} data-seen={props.state.isSeen(topic)}>
                {props.state.title(topic)}
              </a>
            </li>
          )}
        </For>
      </ul>
    </nav>
  );
}

function Topic(props: { readonly topic: string; readonly state: DebugState }): JSX.Element {
  const [element, setElement] = createSignal<HTMLElement>();
  onMount(() => {
    const target = element();
    if (target === undefined) return;
    const observer = new IntersectionObserver((entries) => {
      const last = entries.at(-1);
      if (last !== undefined) props.state.see(props.topic, last.isIntersecting);
    });
    observer.observe(target);
    onCleanup(() => {
      observer.disconnect();
      props.state.see(props.topic, false);
    });
  });
  return (
    <div class="topic" id={idOf(props.topic)} ref={setElement}>
      <DebugPanel
        title={props.state.title(props.topic)}
        state={props.state.topic(props.topic)}
        reached={props.state.line().state !== 'lost'}
      />
    </div>
  );
}

function idOf(topic: string): string {
  return `topic-${topic}`;
}

/** Before the process has said who it is. */
function NotYet(props: { readonly state: DebugState }): JSX.Element {
  const failure = () => props.state.line().failure;
  return (
    <main class="debug-page alone" id="page" tabindex="-1">
      <Show when={failure()} fallback={<p class="note">Asking the process what it has to show…</p>}>
        {(known) => (
          <div class="note panel" role="alert">
            <h1>{known().title}</h1>
            <p>{known().detail}</p>
            <Show when={known().advice !== ''}>
              <p>{known().advice}</p>
            </Show>
            <Show when={helpFor(known().code)}>
              {(section) => (
                <p>
                  <HelpLink section={section()} />
                </p>
              )}
            </Show>
            <p>
              It is asked again by itself.{' '}
              <button type="button" class="button" onClick={() => props.state.retry()}>
                Try now
              </button>
            </p>
          </div>
        )}
      </Show>
    </main>
  );
}
