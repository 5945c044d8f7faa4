import { parsePath } from '../address.ts';
import { ask } from '../ask.ts';

/** Asks the HTTP API. A string says why there is no answer; rejects when `signal` says that nobody waits any more. */
export async function askApi<T>(
  path: string,
  parameters: readonly (readonly [name: string, value: string])[],
  signal: AbortSignal,
): Promise<T | string> {
  const url = new URL(`${parsePath(location.pathname).base}api/v1/${path}`, location.href);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  let response: Response;
  try {
    response = await ask(url, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return 'The server does not answer.';
  }
  const answer = (await response.json()) as unknown;
  if (response.ok) return answer as T;
  const { detail, title } = answer as { detail?: string; title?: string };
  return detail ?? title ?? 'The server cannot answer.';
}
