import 'uplot/dist/uPlot.min.css';
import '../theme.css';
import '../shell.css';
import '../widgets/widgets.css';
import './report.css';
import { createSignal } from 'solid-js';
import { TaskglassError } from '../../base/errors.ts';
import { Replica } from '../../store/replica.ts';
import { rangeOf } from '../address.ts';
import { showApp } from '../app.tsx';
import { answerWith } from '../ask.ts';
import { Connection, type ConnectionStatus } from '../connection.ts';
import { secondsText, type TimeRange } from '../search/tasks-state.ts';
import { EarlyWindow } from '../timeline/moving/early-window.ts';
import { answer } from './answers.ts';
import { createHashRouter } from './hash-router.ts';
import { presentOf, ReportStore } from './history.ts';
import { Parts } from './parts.ts';
import { ReportNote } from './report-note.tsx';
import { ReportSocket } from './report-socket.ts';

/** Reading lets the page draw after so long, ms. */
const TURN_MS = 30;
/** What was read so far is drawn this often, ms: drawing all of it anew costs time that reading needs. */
const SHOW_MS = 500;

/** The page as one file: everything that a server would say is in the document. */
async function start(root: HTMLElement): Promise<void> {
  const parts = new Parts(document);
  const head = await parts.head();
  const { messages, state } = presentOf(head, await parts.take('messages'));
  const store = new ReportStore(head, state);
  if (head.leftOut !== null) store.slices.leaveOut(head.leftOut, await parts.take('summary'));

  const [read, setRead] = createSignal(0);
  const [failure, setFailure] = createSignal('');
  // What was not read yet would be missing from an answer.
  let whole: () => void = () => {};
  const isWhole = new Promise<void>((resolve) => {
    whole = resolve;
  });
  answerWith(async (address) => {
    await isWhole;
    return answer(store, address);
  });
  // Nothing happens any more: time stands still.
  const replica = new Replica(() => 0);
  let tell: ((status: ConnectionStatus) => void) | null = null;
  let socket: ReportSocket | null = null;
  const connection = new Connection({
    url: '',
    connect: () => {
      socket = new ReportSocket({ server: head.server, messages, store });
      return socket;
    },
    onMessage: (message) => replica.apply(message),
    onStatus: (status) => tell?.(status),
    reload: () => false,
  });
  if (head.range !== null) openAt(head.range);
  const router = createHashRouter();
  const early = new EarlyWindow(connection, replica, {
    page: router.page(),
    search: location.search,
    width: innerWidth,
    ratio: devicePixelRatio,
  });
  const note = () => <ReportNote head={head} read={read()} failure={failure()} />;
  tell = showApp(root, { replica, connection, early }, { router, note });
  connection.start();

  let turn = performance.now();
  let shown = turn;
  try {
    while (parts.has('records')) {
      for (const _ of store.fill({ numbers: await parts.take('records'), texts: await parts.take('texts') })) {
        if (performance.now() - turn < TURN_MS) continue;
        setRead(store.records.length / Math.max(1, head.records));
        if (performance.now() - shown > SHOW_MS) {
          (socket as ReportSocket | null)?.refresh();
          shown = performance.now();
        }
        await new Promise((resolve) => setTimeout(resolve));
        turn = performance.now();
      }
    }
    setRead(1);
  } catch (error) {
    setFailure(error instanceof TaskglassError ? error.detail : String(error));
  }
  whole();
  (socket as ReportSocket | null)?.refresh();
}

/** A file of a selected time shows that first, unless its address says what to show. */
function openAt(range: TimeRange): void {
  if (location.hash !== '' || rangeOf(location.search) !== null) return;
  const query = new URLSearchParams(location.search);
  query.set('since', secondsText(range.since));
  query.set('until', secondsText(range.until));
  const address = `${location.pathname}?${query}#tasks`;
  try {
    history.replaceState(null, '', address);
  } catch {
    // Some browsers let a page that is a file have another address only as another page.
    location.replace(address);
  }
}

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
start(root).catch((error: unknown) => {
  root.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
});
