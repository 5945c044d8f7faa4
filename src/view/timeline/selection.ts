import type { RecordView } from '../../model/batch.ts';
import type { WindowData } from '../../store/detail/window-data.ts';
import type { Replica } from '../../store/replica.ts';
import type { RowState } from '../rows/row-state.ts';
import type { Hit, SliceHit } from './drawing/hit.ts';
import { rowAt, rowOf, rowsWithin } from './drawing/layout.ts';
import { hitOfRecord, type StageView } from './drawing/stage.ts';
import type { Camera } from './moving/camera.ts';
import { snapTime } from './moving/snap.ts';
import { stepInRow, stepToRow, type Walk } from './moving/step.ts';
import { timeAt } from './moving/viewport.ts';

/** The parts of a stream that a selection looks at and moves. */
interface SelectionHost {
  readonly replica: Replica;
  readonly stage: StageView;
  readonly camera: Camera;
  readonly rows: RowState;
  /** What is known of the tracks in view. */
  readonly slices: () => WindowData | null;
  readonly scrollBy: (pixels: number) => void;
  readonly changed: () => void;
}

/** An edge of a slice is near, CSS pixels. */
const SNAP = 7;
/** What is gone to is at least so wide, CSS pixels: a slice; a task with all that it did. */
const LEAST = 3;
const LEAST_WHOLE = 40;
/** A task that waited more than so many times as long as it ran is shown without its wait: it would not be seen beside it. */
const LONGEST_WAIT = 20;

/** The slice that is marked in a stream: by hand, by walking from one to the next, or because somebody asked for its record. */
export class Selection {
  readonly #host: SelectionHost;
  #hit: Hit | null = null;

  constructor(host: SelectionHost) {
    this.#host = host;
  }

  get hit(): Hit | null {
    return this.#hit;
  }

  /** Marks something; null: nothing. */
  select(hit: Hit | null): void {
    this.#hit = hit;
    this.#host.changed();
  }

  /** Where its row lies in the plot, CSS pixels from the upper edge; null where it is not on the stage. */
  rowOf(hit: Hit): { readonly top: number; readonly height: number } | null {
    const { stack, scroll, ratio } = this.#host.stage;
    const row = rowOf(stack, hit.track);
    return row === undefined ? null : { top: (row.y - scroll) / ratio, height: row.height / ratio };
  }

  /** The next or previous slice in the row of the selected one, or of the first row. */
  step(direction: 1 | -1): Hit | null {
    return this.#chosen(stepInRow(direction, this.#walk()));
  }

  /** The same time in the row above or below: the slice nearest to the selected one. */
  stepRow(direction: 1 | -1): Hit | null {
    return this.#chosen(stepToRow(direction, this.#walk()));
  }

  /** Goes to a record and marks it; null when its row is not there any more. */
  showRecord(record: RecordView): Hit | null {
    const hit = this.hitOf(record);
    return hit === null ? null : this.#reveal(hit, true, wholeOf(record));
  }

  /** A record as something to select; null when its row is not there any more. */
  hitOf(record: RecordView): SliceHit | null {
    return hitOfRecord(this.#host.replica, record);
  }

  /**
   * A time (of a place of the plot, device pixels) moved to the edge of a slice that is near (of the row there, or of those on screen
   * where `y` is null), or of a run or a gap: the ends of history are among those. Epoch µs; as it was where there is none.
   */
  snapped(x: number, y: number | null): number {
    const { camera, stage, slices } = this.#host;
    const { base, view, perPixel } = camera;
    if (base === null) return 0;
    const { layout, scroll, height, ratio } = stage;
    const time = base.absolute(timeAt(stage.scaleFor(view), x));
    const row = y === null ? null : rowAt(layout, y + scroll);
    const [from, to] = rowsWithin(layout, scroll, scroll + height);
    const tracks = (row === null ? layout.rows.slice(from, to) : [row]).map(({ track }) => track);
    return snapTime(slices(), tracks, time, SNAP * ratio * perPixel, edgesOf(this.#host.replica)) ?? Math.round(time);
  }

  #chosen(hit: SliceHit | null): Hit | null {
    return hit === null ? null : this.#reveal(hit, false);
  }

  #walk(): Walk {
    const { camera, stage, slices } = this.#host;
    const { base, view } = camera;
    return {
      rows: stage.stack.rows,
      data: slices(),
      chosen: this.#hit,
      since: base?.absolute(view.since) ?? 0,
      until: base?.absolute(view.until) ?? 0,
    };
  }

  #reveal(hit: SliceHit, closely: boolean, whole: readonly [start: number, stop: number] | null = null): Hit {
    const { camera, stage, rows, replica, scrollBy, changed } = this.#host;
    this.#hit = hit;
    const [start, stop] = whole ?? [hit.start, hit.stop];
    camera.reveal(start, stop, closely, (whole === null ? LEAST : LEAST_WHOLE) * stage.ratio);
    let row = rowOf(stage.stack, hit.track);
    if (row === undefined && rows.options.text !== '') {
      // It is to be seen: what hides its row goes.
      rows.set({ text: '' });
      stage.place(rows.update(replica, () => false));
      row = rowOf(stage.stack, hit.track);
    }
    if (row !== undefined && row.query !== null) {
      // It is to be seen by itself: its group opens.
      rows.toggle(stage.stack.groups[row.group]!.key);
      stage.place(rows.update(replica, () => false));
      row = rowOf(stage.stack, hit.track);
    }
    if (row !== undefined) {
      const { scroll, height, kept } = stage;
      const under = row.y + row.height - scroll - height;
      if (under > 0) scrollBy(under);
      else if (row.y >= kept && row.y < scroll + kept) scrollBy(row.y - scroll - kept);
    }
    changed();
    return hit;
  }
}

/** Where runs and gaps begin and end, epoch µs. */
function edgesOf({ allRuns, gaps }: Replica): number[] {
  return [
    ...allRuns.flatMap(({ start, stop }) => [start, stop]),
    ...gaps.flatMap(({ since, until }) => [since, until]),
  ].map((seconds) => Math.round(seconds * 1e6));
}

/** When a task was ready (or began, after a long wait) and when it was done, epoch µs. */
export function wholeOf({
  ready,
  start,
  stop,
}: Pick<RecordView, 'ready' | 'start' | 'stop'>): readonly [start: number, stop: number] | null {
  if (stop === null) return null;
  const waited = ready === null ? 0 : Math.max(0, start - ready);
  const from = waited > LONGEST_WAIT * (stop - start) ? start : start - waited;
  return [from * 1e6, stop * 1e6];
}
