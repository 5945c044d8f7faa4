import { createMemo, createSignal, createUniqueId, For, type JSX, onCleanup, Show } from 'solid-js';
import type { LinkState } from '../../model/source-event.ts';
import type { PageName, Place } from '../address.ts';
import { ask } from '../ask.ts';
import { formatCount } from '../format.ts';

/** One of the clusters of this server, as `/api/v1/clusters` gives it. */
interface ClusterEntry {
  readonly name: string;
  readonly pages: string;
  readonly link: LinkState;
  readonly link_reason: string;
  readonly workers: number;
  readonly tasks: number;
}

const EVERY = 2_000;
const LINKS: Readonly<Record<LinkState, readonly [label: string, tone: string]>> = {
  connected: ['Live', 'ok'],
  connecting: ['Connecting', 'warn'],
  stalled: ['Stalled', 'warn'],
  lost: ['Lost', 'bad'],
};

/** Leads to the other clusters of the same server and says how each is reached. Where there is but one, there is nothing. */
export function ClusterSwitch(props: { readonly place: Place; readonly page: PageName }): JSX.Element {
  const [clusters, setClusters] = createSignal<readonly ClusterEntry[]>([]);
  const id = createUniqueId();
  let button!: HTMLButtonElement;
  let list!: HTMLDivElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const read = async () => {
    let several = true;
    try {
      // In a hidden tab nobody sees it.
      if (!document.hidden) {
        const answer = await ask(new URL(`${props.place.root}api/v1/clusters`, location.href));
        if (answer.ok) {
          const { clusters: found } = (await answer.json()) as { clusters: ClusterEntry[] };
          several = found.length > 1;
          setClusters(several ? found : []);
        }
      }
    } catch {
      // The server is away: the header says so, and what was known stays.
    }
    if (several && !ended) timer = setTimeout(() => void read(), EVERY);
  };
  // What the first picture waits for goes first.
  timer = setTimeout(() => void read(), 500);
  onCleanup(() => {
    ended = true;
    clearTimeout(timer);
  });
  const pages = createMemo(() => clusters().map((cluster) => cluster.pages));
  const entry = (of: string) => clusters().find((cluster) => cluster.pages === of);
  const nameOf = (cluster: ClusterEntry | undefined) =>
    cluster?.name || (cluster?.pages ? cluster.pages.split('/')[1] : '') || 'First cluster';
  const troubled = () => clusters().filter(({ link, pages: of }) => link !== 'connected' && of !== props.place.pages);
  const place = () => {
    const { left, bottom } = button.getBoundingClientRect();
    const room = Math.max(8, Math.min(left, innerWidth - 8 - Math.min(360, innerWidth - 16)));
    list.style.left = `${room}px`;
    list.style.top = `${bottom + 4}px`;
  };
  return (
    <Show when={clusters().length > 1}>
      <button
        type="button"
        class="button cluster-switch"
        ref={button}
        popovertarget={id}
        title="Choose a cluster"
        onClick={place}
      >
        <span class="hidden-text">Cluster: </span>
        <span class="cut">{entry(props.place.pages) ? nameOf(entry(props.place.pages)) : 'Clusters'}</span>
        <Show when={troubled().length > 0}>
          <span class="trouble" title={`Not connected: ${troubled().map(nameOf).join(', ')}`}>
            {formatCount(troubled().length)}
            <span class="hidden-text"> not connected</span>
          </span>
        </Show>
      </button>
      <div id={id} popover="auto" class="cluster-list" ref={list}>
        <nav aria-label="Clusters">
          <For each={pages()}>
            {(of) => (
              <a
                href={`${props.place.root}${of}${props.page === 'history' ? 'status' : props.page}`}
                aria-current={of === props.place.pages ? 'true' : undefined}
              >
                <span class="cut" title={nameOf(entry(of))}>
                  {nameOf(entry(of))}
                </span>
                <span class="number">{formatCount(entry(of)?.tasks ?? Number.NaN)} tasks</span>
                <span
                  class="link-state"
                  data-tone={LINKS[entry(of)?.link ?? 'lost'][1]}
                  title={entry(of)?.link_reason || undefined}
                >
                  {LINKS[entry(of)?.link ?? 'lost'][0]}
                </span>
              </a>
            )}
          </For>
        </nav>
      </div>
    </Show>
  );
}
