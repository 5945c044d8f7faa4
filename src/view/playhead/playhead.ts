import { type Accessor, createContext, createEffect, createSignal, on, onCleanup, useContext } from 'solid-js';
import { MOST_SPEED, type RunView } from '../../model/batch.ts';
import type { Live } from '../live-store.ts';

/** How many seconds of history pass in one. */
export const SPEEDS = [1, 2, 5, 10, 30, 100, 300, 1_000] as const;
/** While it is dragged a playhead asks this often, ms. */
const EVERY = 80;
/** An address is written this long after the last change, ms. */
const REST = 300;
/** This near to the end is the end, seconds. */
const NEAR = 0.05;

export interface Playhead {
  /** There is a recording to look back in. */
  readonly offered: Accessor<boolean>;
  /** Its controls are shown. */
  readonly open: Accessor<boolean>;
  setOpen(open: boolean): void;
  /** Another time than now, or than the end of a recording, is shown. */
  readonly away: Accessor<boolean>;
  readonly recorded: Accessor<boolean>;
  /** Epoch seconds. */
  readonly time: Accessor<number>;
  readonly since: Accessor<number>;
  readonly until: Accessor<number>;
  readonly runs: Accessor<readonly RunView[]>;
  readonly playing: Accessor<boolean>;
  readonly speed: Accessor<number>;
  setSpeed(speed: number): void;
  /** Goes to a time and stands still there. */
  seek(time: number): void;
  /** Plays, or stands still; a recording that is at its end is played from its beginning. */
  toggle(): void;
  /** To the beginning of the run before or after. */
  step(direction: 1 | -1): void;
  /** Back to now, or to the end. */
  leave(): void;
}

/** The part of an address that is the playhead's: `?at=` in epoch seconds and `&speed=`; null where it makes no sense. */
export function playheadOf(search: string): { readonly time: number; readonly speed: number } | null {
  const query = new URLSearchParams(search);
  const time = Number(query.get('at') ?? Number.NaN);
  const speed = Number(query.get('speed') ?? 0);
  if (!(time > 0 && time < 1e11)) return null;
  return { time, speed: speed >= 1 && speed <= MOST_SPEED ? speed : 0 };
}

/** The query of an address with the playhead where it is; null: it shows now. What others keep in it stays. */
export function withPlayhead(search: string, at: { readonly time: number; readonly speed: number } | null): string {
  const query = new URLSearchParams(search);
  query.delete('at');
  query.delete('speed');
  if (at !== null) query.set('at', String(Math.round(at.time * 1e3) / 1e3));
  if (at !== null && at.speed > 0) query.set('speed', String(at.speed));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Where the run before or after a time begins; null where there is none. */
export function runBeside(runs: readonly RunView[], time: number, direction: 1 | -1): number | null {
  const starts = runs.map((run) => run.start);
  if (direction === 1) return starts.find((start) => start > time + NEAR) ?? null;
  return starts.findLast((start) => start < time - 1) ?? null;
}

/** `served`: the page comes from a server, which can be asked. */
export function createPlayhead(live: Live, served: boolean): Playhead {
  const [wanted, setWanted] = createSignal<{ readonly time: number; readonly speed: number } | null>(null);
  const [speed, setSpeed] = createSignal<number>(1);
  const [opened, setOpen] = createSignal(false);
  const replica = () => {
    live.state();
    return live.replica;
  };
  const recorded = () => replica().cluster?.engine === 'recording';
  const offered = () => served && (recorded() || (replica().cluster?.recording.state ?? 'off') !== 'off');
  const away = () => wanted() !== null || replica().playhead !== null;
  const time = () => wanted()?.time ?? replica().clock();
  const until = () => replica().playhead?.until ?? replica().clock();
  const runs = () => replica().allRuns;
  const since = () => replica().playhead?.since ?? runs()[0]?.start ?? until();
  const playing = () => (wanted()?.speed ?? replica().playhead?.speed ?? 0) > 0;

  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: ReturnType<typeof setTimeout> | null = null;
  let writing: ReturnType<typeof setTimeout> | null = null;
  /** The server has answered: it shows what was asked for. */
  let shown = false;

  const ask = (): void => {
    asking = null;
    askedAt = performance.now();
    const at = wanted();
    if (at !== null) live.connection.lookAt(at.time, at.speed);
  };
  const write = (at: { readonly time: number; readonly speed: number } | null): void => {
    if (writing !== null) clearTimeout(writing);
    writing = setTimeout(() => {
      writing = null;
      try {
        const { pathname, search, hash } = location;
        history.replaceState(history.state, '', pathname + withPlayhead(search, at) + hash);
      } catch {
        // Some browsers refuse after too many changes.
      }
    }, REST);
  };
  const lookAt = (at: number, its: number): void => {
    const next = { time: Math.min(until(), Math.max(since(), at)), speed: its };
    setWanted(next);
    setOpen(true);
    write(next);
    // One question at a time, the latest wins.
    asking ??= setTimeout(ask, Math.max(0, askedAt + EVERY - performance.now()));
  };
  const leave = (): void => {
    if (asking !== null) clearTimeout(asking);
    asking = null;
    shown = false;
    setWanted(null);
    write(null);
    live.connection.lookAt(null);
  };

  createEffect(
    on(
      replica,
      ({ playhead }) => {
        const at = wanted();
        if (playhead !== null) {
          shown = true;
          if (at !== null && Math.abs(playhead.time - at.time) < 0.001 && playhead.speed === at.speed) setWanted(null);
        } else if (shown && at === null) {
          // It has come to the present.
          shown = false;
          live.connection.forgetPlayhead();
          write(null);
        }
      },
      { defer: true },
    ),
  );
  createEffect(() => {
    // What was asked for cannot be had.
    if (live.status().refusal === '' || wanted() === null) return;
    setWanted(null);
    if (!shown) live.connection.forgetPlayhead();
  });
  // An address that was opened, once there is something to look at.
  let first = playheadOf(location.search);
  createEffect(() => {
    if (first === null || !offered() || replica().link.state !== 'connected') return;
    const { time: at, speed: its } = first;
    first = null;
    if (its > 0) setSpeed(its);
    lookAt(at, its);
  });
  onCleanup(() => {
    if (asking !== null) clearTimeout(asking);
    if (writing !== null) clearTimeout(writing);
  });

  return {
    offered,
    open: () => offered() && (recorded() || opened()),
    setOpen: (open) => {
      setOpen(open);
      if (!open && away()) leave();
    },
    away,
    recorded,
    time,
    since,
    until,
    runs,
    playing,
    speed,
    setSpeed: (next) => {
      setSpeed(next);
      if (playing()) lookAt(time(), next);
    },
    seek: (at) => lookAt(at, 0),
    toggle: () => {
      if (playing() || (!away() && !recorded())) lookAt(time(), 0);
      else lookAt(time() >= until() - NEAR ? since() : time(), speed());
    },
    step: (direction) => {
      const start = runBeside(runs(), time(), direction);
      if (start !== null) lookAt(start, playing() ? speed() : 0);
      else if (direction === -1) lookAt(since(), 0);
      else leave();
    },
    leave,
  };
}

export const PlayheadContext = createContext<Playhead>();

/** Undefined where a page cannot look back at all. */
export function usePlayhead(): Playhead | undefined {
  return useContext(PlayheadContext);
}
