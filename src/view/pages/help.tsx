import { For, type JSX, onMount } from 'solid-js';

/** Every key of the page. `timeline/` acts on the stream's; the rest is the browser's and the shell's. */
const SHORTCUTS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['W', '↑'], 'Stream: zoom in'],
  [['S', '↓'], 'Stream: zoom out'],
  [['A', '←'], 'Stream: earlier'],
  [['D', '→'], 'Stream: later'],
  [['F'], 'Stream: fit everything'],
  [['[', ']'], 'Stream: previous, next run'],
  [['double click'], 'Stream: follow what happens now'],
  [['wheel', 'drag'], 'Stream: zoom at the pointer, pan'],
  [['Enter'], 'Workers: sort by the focused column, fold a host'],
  [['Esc'], 'Close this'],
  [['?'], 'Show this'],
];

export function Help(props: { readonly onClose: () => void }): JSX.Element {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => props.onClose()}>
      <h2 id="help-title">Keyboard and pointer</h2>
      <dl>
        <For each={SHORTCUTS}>
          {([keys, what]) => (
            <>
              <dt>
                <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
              </dt>
              <dd>{what}</dd>
            </>
          )}
        </For>
      </dl>
      <button type="button" class="button primary" onClick={() => dialog.close()}>
        Close
      </button>
    </dialog>
  );
}
