import { type Command, commandOf, movementOf, takesKeys } from './keys.ts';
import type { Movement } from './motion.ts';

/** What keys ask of a stream. */
export interface KeyTarget {
  /** Whether keys mean anything now: not while a table lies over the plot. */
  ready(): boolean;
  /** Escape wherever the focus is; true: it had something to close. */
  close(): boolean;
  run(command: Command): void;
  /** A movement key was let go; null: all of them. */
  release(movement: Movement | null): void;
}

/** Letters work wherever nothing else has the keyboard; other panels keep theirs. Returns an undo. */
export function listenKeys(root: HTMLElement, plot: HTMLElement, target: KeyTarget): () => void {
  const down = (event: KeyboardEvent): void => {
    const active = document.activeElement;
    if (!target.ready() || takesKeys(event.target)) return;
    if (event.key === 'Escape' && target.close()) return;
    if (active !== null && active !== document.body && active.id !== 'page' && !root.contains(active)) return;
    const command = commandOf(event, active === plot);
    if (command === null) return;
    event.preventDefault();
    target.run(command);
  };
  const up = (event: KeyboardEvent): void => {
    const movement = movementOf(event.key);
    if (movement !== null) target.release(movement);
  };
  const blur = (): void => target.release(null);
  document.addEventListener('keydown', down);
  document.addEventListener('keyup', up);
  globalThis.addEventListener('blur', blur);
  return () => {
    document.removeEventListener('keydown', down);
    document.removeEventListener('keyup', up);
    globalThis.removeEventListener('blur', blur);
  };
}
