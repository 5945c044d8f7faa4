import { createSignal } from 'solid-js';
import type { ClusterAction, ClusterActionName } from '../../model/cluster-action.ts';
import { parsePath } from '../address.ts';
import { ask } from '../ask.ts';

const [allowed, setAllowed] = createSignal<readonly string[]>([]);
let asked: string | undefined;

/** Whether the server lets this page do it; asked once for each `cluster`, which may be configured in another way, and no until it has answered. */
export function mayDo(name: ClusterActionName, cluster = asked ?? ''): boolean {
  if (asked !== cluster) {
    asked = cluster;
    // Where it does not answer the page says so elsewhere, and a reload asks again.
    void readAllowed().catch(() => {});
  }
  return allowed().includes(name);
}

async function readAllowed(): Promise<void> {
  const answer = await ask(url(''));
  if (answer.ok) setAllowed(((await answer.json()) as { actions: readonly string[] }).actions);
}

/** Does it. Resolves with what came of it, rejects with an error that says why not. */
export async function act({ name, target }: ClusterAction): Promise<string> {
  const answer = await ask(url(`/${name}`), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ target }),
  });
  const said = (await answer.json()) as { result?: string; title?: string; detail?: string };
  if (!answer.ok) throw new Error(`${said.title ?? `HTTP ${answer.status}`}: ${said.detail ?? ''}`);
  return said.result ?? '';
}

function url(rest: string): URL {
  return new URL(`${parsePath(location.pathname).base}api/v1/actions${rest}`, location.href);
}
