import { liveAddress, parsePath } from './address.ts';
import { parseDebugPath } from './debug/debug-path.ts';
import { connectWebSocket, EarlySocket } from './early-socket.ts';

// The first script of the document, some kilobytes, run before styles and the other scripts are there: the socket opens and the state is
// asked for while they are fetched.
// A process's debug page has no such line.
if (parseDebugPath(location.pathname) === null) {
  const { base } = parsePath(location.pathname);
  globalThis.taskglassSocket = new EarlySocket(liveAddress(base, location.href), connectWebSocket);
}
