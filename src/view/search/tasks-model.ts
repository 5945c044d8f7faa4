import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js';
import { readTasksState, type TasksState, writeTasksState } from './tasks-state.ts';

/** A view that moves is written into the address once it has rested so long, ms. */
const REST = 250;

/** What /tasks shows, tied to the address: changes are written there, and what it says is shown. */
export interface TasksModel {
  readonly state: Accessor<TasksState>;
  /** Changes each time the address was left for another one of this page, back or forward. */
  readonly restored: Accessor<number>;
  /** Something else is shown. `push`: one can go back to what was before. */
  change(part: Partial<TasksState>, push?: boolean): void;
  /** The view moved. It does so in every frame: only the address is told, and `state` keeps what it began with. */
  look(view: Pick<TasksState, 'range' | 'elapsed'>): void;
}

/** `theme`: what was chosen, which belongs to what an address shows; null: nothing. */
export function createTasksModel(theme: Accessor<string | null>): TasksModel {
  const [state, setState] = createSignal(readTasksState(location.search));
  const [restored, setRestored] = createSignal(0);
  let view: Pick<TasksState, 'range' | 'elapsed'> = state();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const address = (): string => {
    const { elapsed, range } = view;
    return (
      location.pathname + writeTasksState({ ...state(), elapsed, range }, location.search, theme()) + location.hash
    );
  };
  const keep = (push: boolean): void => {
    // Nothing new: browsers count how often an address changes.
    if (!push && address() === location.pathname + location.search + location.hash) return;
    try {
      if (push) history.pushState(null, '', address());
      else history.replaceState(history.state, '', address());
    } catch {
      // A page that is a file keeps its address, and some browsers refuse after too many changes.
    }
  };
  const write = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    keep(false);
  };
  const restore = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    view = setState(readTasksState(location.search));
    setRestored((count) => count + 1);
  };
  addEventListener('popstate', restore);
  createEffect(
    on(theme, () => {
      timer ??= setTimeout(write, REST);
    }),
  );
  onCleanup(() => {
    removeEventListener('popstate', restore);
    if (timer !== null) clearTimeout(timer);
  });
  return {
    state,
    restored,
    change(part, push = false) {
      const next = { ...state(), ...part };
      if (push) {
        // Where the view rests now is where one comes back to.
        write();
        setState(next);
        keep(true);
        return;
      }
      setState(next);
      timer ??= setTimeout(write, REST);
    },
    look(next) {
      view = next;
      timer ??= setTimeout(write, REST);
    },
  };
}
