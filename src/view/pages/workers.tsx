import type { JSX } from 'solid-js';
import { Workers } from '../panels/index.ts';

/** Every worker and its load. */
export function WorkersPage(): JSX.Element {
  return <Workers />;
}
