import type { WindowQuery } from '../model/batch.ts';
import type { WindowData } from '../store/detail/window-data.ts';
import type { Replica } from '../store/replica.ts';
import type { Connection, LiveWindow } from './connection.ts';

/** A window of the connection together with the data that the replica keeps for it. */
export interface WatchedWindow extends LiveWindow {
  readonly data: WindowData;
}

/** Opens a window; dispose it when done. Its data are empty until the first answer. */
export function openWindow(connection: Connection, replica: Replica, query: WindowQuery): WatchedWindow {
  const opened = connection.openWindow(query);
  return {
    id: opened.id,
    data: replica.window(opened.id),
    get query() {
      return opened.query;
    },
    move: (next) => opened.move(next),
    [Symbol.dispose]: () => {
      opened[Symbol.dispose]();
      replica.windows.delete(opened.id);
    },
  };
}
