import './actions.css';
import { createSignal, For, type JSX, onMount, Show } from 'solid-js';
import type { ClusterActionName } from '../../model/cluster-action.ts';
import { act, mayDo } from './actions.ts';

interface Words {
  readonly button: string;
  /** Ends with the target. */
  readonly question: string;
  readonly consequence: string;
  readonly yes: string;
}

const WORDS: Readonly<Record<ClusterActionName, Words>> = {
  'restart-worker': {
    button: 'Restart…',
    question: 'Restart this worker?',
    consequence: 'What it computes now begins again elsewhere, and what only it has in memory is computed again.',
    yes: 'Restart it',
  },
  'retire-worker': {
    button: 'Retire…',
    question: 'Retire this worker?',
    consequence: 'Its data is moved to other workers first; then it closes and does not come back by itself.',
    yes: 'Retire it',
  },
  'cancel-task': {
    button: 'Cancel…',
    question: 'Cancel this task?',
    consequence: 'For everybody who waits for it, with all that depends on it.',
    yes: 'Cancel it',
  },
  'retry-task': {
    button: 'Retry…',
    question: 'Retry this task?',
    consequence: 'It erred. It runs again, with what it depends on where that erred too.',
    yes: 'Retry it',
  },
  'rerun-task': {
    button: 'Rerun…',
    question: 'Run this task again?',
    consequence:
      'Its result is dropped and computed anew, with what it needs and is no longer there. What is to use the result waits for it again; what was made of it stays.',
    yes: 'Run it again',
  },
  'restart-task': {
    button: 'Start over…',
    question: 'Begin this task anew?',
    consequence:
      'What it does now is stopped or, on Dask, ignored while another worker begins. What waits for it waits longer.',
    yes: 'Begin anew',
  },
};

/** A button for each of these that the server allows; nothing where it allows none. Each asks before it acts. */
export function ActButtons(props: {
  readonly names: readonly ClusterActionName[];
  readonly target: string;
  /** Which cluster it is asked of, where that may change while the page is open. */
  readonly cluster?: string | undefined;
}): JSX.Element {
  const [open, setOpen] = createSignal<ClusterActionName | null>(null);
  return (
    <span class="acts">
      <For each={props.names.filter((name) => mayDo(name, props.cluster))}>
        {(name) => (
          <button type="button" class="tool" onClick={() => setOpen(name)}>
            {WORDS[name].button}
          </button>
        )}
      </For>
      <Show when={open()} keyed>
        {(name) => <Confirm name={name} target={props.target} onClose={() => setOpen(null)} />}
      </Show>
    </span>
  );
}

function Confirm(props: {
  readonly name: ClusterActionName;
  readonly target: string;
  readonly onClose: () => void;
}): JSX.Element {
  // What was asked about stays it, even when the row that it stood in shows another one by now.
  const { name, target } = props;
  const words = WORDS[name];
  const [state, setState] = createSignal<'asking' | 'acting' | 'done'>('asking');
  const [said, setSaid] = createSignal('');
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  const go = async (): Promise<void> => {
    setState('acting');
    setSaid('Asking the cluster…');
    try {
      const result = await act({ name, target });
      setSaid(`Done: ${result}.`);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : 'The server does not answer.');
    }
    setState('done');
  };
  return (
    <dialog
      ref={dialog}
      class="act"
      aria-labelledby="act-title"
      onClose={() => props.onClose()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <h2 id="act-title">{words.question}</h2>
      <code>{target}</code>
      <p>{words.consequence}</p>
      <p role="status">{said()}</p>
      <p class="choice">
        <Show when={state() !== 'done'}>
          <button type="button" class="button primary" disabled={state() === 'acting'} onClick={() => void go()}>
            {words.yes}
          </button>
        </Show>
        <button type="button" class="button" onClick={() => dialog.close()}>
          {state() === 'asking' ? 'Leave it' : 'Close'}
        </button>
      </p>
    </dialog>
  );
}
