import { createSignal, type JSX } from 'solid-js';
import type { Router } from '../router.ts';

/** Asks the server for the example computation. */
export function RunExample(props: { readonly router: Router }): JSX.Element {
  const [asking, setAsking] = createSignal(false);
  const [failure, setFailure] = createSignal('');
  const ask = async () => {
    setAsking(true);
    setFailure('');
    try {
      const answer = await fetch(props.router.url('api/v1/example'), { method: 'POST' });
      if (!answer.ok) setFailure(`The example did not start: ${(await titleOf(answer)) || `HTTP ${answer.status}`}`);
    } catch {
      setFailure('The example did not start: the server does not answer.');
    }
    setAsking(false);
  };
  return (
    <>
      <span class="failure" role="status">
        {failure()}
      </span>
      <button type="button" class="button" disabled={asking()} onClick={() => void ask()}>
        Run example
      </button>
    </>
  );
}

/** The title of a problem document. */
async function titleOf(answer: Response): Promise<string> {
  try {
    const problem: unknown = await answer.json();
    if (typeof problem === 'object' && problem !== null && 'title' in problem) return String(problem.title);
  } catch {
    // Not a problem document: the status says enough.
  }
  return '';
}
