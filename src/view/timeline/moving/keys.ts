import type { Movement } from './motion.ts';

/** What a key means to a stream. */
export type Command =
  | { readonly kind: 'move'; readonly movement: Movement }
  | { readonly kind: 'fit' | 'follow' | 'close' | 'open' | 'area' }
  | { readonly kind: 'fold' | 'fold-all' | 'pin' }
  /** By so many screens; infinitely many: to the end. */
  | { readonly kind: 'scroll'; readonly screens: number }
  | { readonly kind: 'run' | 'slice' | 'row' | 'erred'; readonly direction: 1 | -1 };

const MOVES: Readonly<Record<string, Movement>> = {
  w: 'in',
  s: 'out',
  a: 'left',
  d: 'right',
  arrowup: 'in',
  arrowdown: 'out',
  arrowleft: 'left',
  arrowright: 'right',
};

/** `focused`: the plot itself has the focus; arrows, Enter and Escape are only its own then, letters work page-wide. */
export function commandOf(
  event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  focused: boolean,
): Command | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const key = event.key.toLowerCase();
  if (focused && event.shiftKey && (key === 'arrowup' || key === 'arrowdown')) {
    return { kind: 'row', direction: key === 'arrowdown' ? 1 : -1 };
  }
  const movement = MOVES[key];
  if (movement !== undefined) return key.startsWith('arrow') && !focused ? null : { kind: 'move', movement };
  switch (key) {
    case 'f':
      return { kind: 'fit' };
    case 'x':
      return { kind: 'area' };
    case '[':
      return { kind: 'run', direction: -1 };
    case ']':
      return { kind: 'run', direction: 1 };
    case 'n':
      return { kind: 'slice', direction: 1 };
    case 'p':
      return { kind: 'slice', direction: -1 };
    case 'e':
      return { kind: 'erred', direction: event.shiftKey ? -1 : 1 };
    case 'g':
      return { kind: event.shiftKey ? 'fold-all' : 'fold' };
    case 't':
      return { kind: 'pin' };
    case 'pageup':
      return focused ? { kind: 'scroll', screens: -0.9 } : null;
    case 'pagedown':
      return focused ? { kind: 'scroll', screens: 0.9 } : null;
    case 'home':
      return focused ? { kind: 'scroll', screens: Number.NEGATIVE_INFINITY } : null;
    case 'end':
      return focused ? { kind: 'scroll', screens: Number.POSITIVE_INFINITY } : null;
    case 'enter':
      return focused ? { kind: 'open' } : null;
    case 'escape':
      return focused ? { kind: 'close' } : null;
    default:
      return null;
  }
}

/** The movement that letting go of a key ends. */
export function movementOf(key: string): Movement | null {
  return MOVES[key.toLowerCase()] ?? null;
}

/** Whether keys are text for somebody else, or belong to a control or a dialog. */
export function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest('input, select, textarea, dialog') !== null;
}
