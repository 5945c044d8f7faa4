import 'uplot/dist/uPlot.min.css';
import './theme.css';
import './shell.css';
import './widgets/widgets.css';
import { Replica } from '../store/replica.ts';
import { liveAddress, parsePath } from './address.ts';
import { Connection, type ConnectionStatus } from './connection.ts';
import { parseDebugPath } from './debug/debug-path.ts';
import { connectEarly } from './early-socket.ts';
import { EarlyWindow } from './timeline/moving/early-window.ts';

/**
 * What need not wait for the page to be built: its line to the server. While the rest of the script is still being fetched, compiled
 * and run, the state arrives and the first window is asked for.
 */
async function start(root: HTMLElement): Promise<void> {
  const { base, page } = parsePath(location.pathname);
  // While the server is silent, time stands still: a stream must not run on into nothing.
  let stoppedAt: number | null = null;
  let tell: ((status: ConnectionStatus) => void) | null = null;
  const replica = new Replica(() => stoppedAt ?? performance.now());
  const connection = new Connection({
    url: liveAddress(base, location.href),
    connect: connectEarly,
    onMessage: (message) => replica.apply(message),
    onStatus: (status: ConnectionStatus) => {
      stoppedAt = status.state === 'open' ? null : (stoppedAt ?? performance.now());
      tell?.(status);
    },
    reload: reloadOnce,
  });
  const early = new EarlyWindow(connection, replica, {
    page,
    search: location.search,
    width: innerWidth,
    ratio: devicePixelRatio,
  });
  connection.start();

  const { showApp } = await import('./app.tsx');
  tell = showApp(root, { replica, connection, early });
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
const debug = parseDebugPath(location.pathname);
if (debug === null) await start(root);
else (await import('./debug/debug-app.tsx')).showDebug(root, debug);
