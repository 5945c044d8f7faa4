import type { JSX } from 'solid-js';
import { type HelpSection, helpPath } from '../../base/help.ts';
import { parsePath } from '../address.ts';
import { parseDebugPath } from '../debug/debug-path.ts';

/** Leads to what docs/troubleshooting.md says, in a tab of its own: what this page still shows is kept. */
export function HelpLink(props: { readonly section: HelpSection }): JSX.Element {
  return (
    <a class="help-link" href={helpAddress(props.section, location.pathname)} target="_blank" rel="noopener">
      What to do
    </a>
  );
}

/** `path`: of the page that asks. */
function helpAddress(section: HelpSection, path: string): string {
  const debug = parseDebugPath(path);
  const root = debug === null ? parsePath(path).base : (debug.pages ?? debug.base);
  return root + helpPath(section);
}
