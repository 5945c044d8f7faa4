import { For, type JSX, onMount } from 'solid-js';

/** Every key of the page: `timeline/keys.ts` acts on the stream's, the shell and the browser on the rest. */
const SHORTCUTS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['W', 'S'], 'Stream: zoom in, out (with the focus on it, arrows do too)'],
  [['A', 'D'], 'Stream: earlier, later'],
  [['F'], 'Stream: see the run as a whole; again: everything'],
  [['[', ']'], 'Stream: previous, next run'],
  [['N', 'P'], 'Stream: next, previous task'],
  [['E', 'Shift E'], 'Stream: next, previous task that erred'],
  [['Enter'], 'Stream: details of the task; Workers: sort, fold a host'],
  [['G', 'Shift G'], 'Stream: fold the rows of a group, of all'],
  [['T'], 'Stream: put the rows of a group first, where they stay in view'],
  [['Page up', 'Page down'], 'Stream: scroll rows'],
  [['double click'], 'Stream: follow what happens now'],
  [['Shift drag', 'X'], 'Stream: select an area; what is in view'],
  [['Space'], 'Time travel: play, pause'],
  [['/'], 'Search all history; Enter, Shift Enter: next, previous hit'],
  [['wheel', 'drag'], 'Stream: zoom at the pointer, pan'],
  [['Esc'], 'Close details, close this'],
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
