import { render } from 'solid-js/web';
import { createTheme, ThemeContext } from '../theme.ts';
import { DebugPage } from './debug-page.tsx';
import type { DebugPath } from './debug-path.ts';
import { createDebugState } from './debug-state.ts';

/** Builds the debug page of one process into `root`. */
export function showDebug(root: HTMLElement, path: DebugPath): void {
  render(() => {
    const theme = createTheme();
    const state = createDebugState(path);
    return (
      <ThemeContext.Provider value={theme}>
        <DebugPage state={state} />
      </ThemeContext.Provider>
    );
  }, root);
}
