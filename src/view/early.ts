import { isDebugPath, liveAddress, parsePath } from './address.ts';
import { connectWebSocket, EarlySocket } from './early-socket.ts';

// The first script of the document, some kilobytes, run before styles and the other scripts are there: the socket opens and the state is
// asked for while they are fetched.
if (!isDebugPath(location.pathname)) {
  const { base } = parsePath(location.pathname);
  globalThis.taskglassSocket = new EarlySocket(liveAddress(base, location.href), connectWebSocket);
}
