import type { JSX } from 'solid-js';
import { render } from 'solid-js/web';
import type { Replica } from '../store/replica.ts';
import type { Connection, ConnectionStatus } from './connection.ts';
import { FrameLoop } from './frame-loop.ts';
import { Live, LiveContext } from './live-store.ts';
import { Shell } from './pages/shell.tsx';
import { createRouter, type Router } from './router.ts';
import { createTheme, ThemeContext } from './theme.ts';
import type { EarlyWindow } from './timeline/moving/early-window.ts';

/** What was started before the page: its line to the server and what came over it so far. */
export interface Started {
  readonly replica: Replica;
  readonly connection: Connection;
  readonly early: EarlyWindow;
}

/** What is different where the page is a file and has no server. */
export interface AsFile {
  readonly router: Router;
  /** Says what the file is. */
  readonly note: () => JSX.Element;
}

/** Builds the page into `root`. The result is to be told of the line's changes. */
export function showApp(root: HTMLElement, started: Started, file?: AsFile): (status: ConnectionStatus) => void {
  const live = new Live(started.replica, started.connection, new FrameLoop(), started.early, file !== undefined);
  const router = file?.router ?? createRouter();
  const theme = createTheme();
  render(
    () => (
      <LiveContext.Provider value={live}>
        <ThemeContext.Provider value={theme}>
          <Shell router={router} note={file?.note} />
        </ThemeContext.Provider>
      </LiveContext.Provider>
    ),
    root,
  );
  return (status) => live.statusChanged(status);
}
