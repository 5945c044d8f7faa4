import 'uplot/dist/uPlot.min.css';
import './theme.css';
import './shell.css';
import './widgets/widgets.css';
import { render } from 'solid-js/web';
import { Replica } from '../store/replica.ts';
import { Connection, type ConnectionStatus } from './connection.ts';
import { FrameLoop } from './frame-loop.ts';
import { Live, LiveContext } from './live-store.ts';
import { Shell } from './pages/shell.tsx';
import { createRouter } from './router.ts';
import { createTheme, ThemeContext } from './theme.ts';

/** The page's composition root: the only file that knows every part. */
function start(root: HTMLElement): void {
  const frames = new FrameLoop();
  const router = createRouter();
  // While the server is silent, time stands still: a stream must not run on into nothing.
  let stoppedAt: number | null = null;
  const replica = new Replica(() => stoppedAt ?? performance.now());
  const address = router.url('api/v1/live');
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const connection = new Connection({
    url: address.href,
    onMessage: (message) => replica.apply(message),
    onStatus: (status: ConnectionStatus) => {
      stoppedAt = status.state === 'open' ? null : (stoppedAt ?? performance.now());
      live.statusChanged(status);
    },
    reload: reloadOnce,
  });
  const live = new Live(replica, connection, frames);
  const theme = createTheme();
  // The socket opens while the page is built: what it brings comes in later turns.
  connection.start();

  render(
    () => (
      <LiveContext.Provider value={live}>
        <ThemeContext.Provider value={theme}>
          <Shell router={router} />
        </ThemeContext.Provider>
      </LiveContext.Provider>
    ),
    root,
  );
  addEventListener('online', () => connection.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connection.retryNow();
  });
}

/** Reloads for the page that fits the server, but never twice in a minute: a cache that serves the old one is told, not fought. */
function reloadOnce(): boolean {
  const mark = 'taskglass.reloaded';
  try {
    const before = Number(sessionStorage.getItem(mark) ?? 0);
    if (Date.now() - before < 60_000) return false;
    sessionStorage.setItem(mark, String(Date.now()));
  } catch {
    return false; // No storage: a reload could not be told from the first visit.
  }
  location.reload();
  return true;
}

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
start(root);
