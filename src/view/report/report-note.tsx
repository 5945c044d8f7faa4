import { createSignal, For, type JSX, Show } from 'solid-js';
import { toSeconds } from '../../model/units.ts';
import type { LeftOut, ReportHead } from '../../wire/report.ts';
import { formatBytes, formatClock, formatCount, formatDuration, formatName, plural } from '../format.ts';

export interface ReportNoteProps {
  readonly head: ReportHead;
  /** Share of the records that were read from the file so far, 0..1. */
  readonly read: number;
  /** Set where the file could not be read to its end. */
  readonly failure: string;
}

/** What this file is, what it is of, and what is not in it. */
export function ReportNote(props: ReportNoteProps): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const asked = (): string => (props.head.selection === '' ? '' : ` Selected: ${props.head.selection}.`);
  return (
    <>
      <section class="report-note" aria-label="About this file">
        <b>Report</b>
        <span>
          {`Made ${formatDate(props.head.made)} ${formatClock(props.head.made)}; ${plural(props.head.records, 'task')} in detail, in this file alone.${asked()}`}
        </span>
        <Show when={props.head.notSelected > 0}>
          <span>{`${plural(props.head.notSelected, 'task')} not selected and not in it; totals, progress and workers are those of all.`}</span>
        </Show>
        <Show when={props.head.dropped > 0}>
          <span>{`The oldest ${plural(props.head.dropped, 'task')} of the history were not kept by the server.`}</span>
        </Show>
        <Show when={props.head.leftOut}>
          {(leftOut) => (
            <>
              <b>{`${plural(leftOut().records, 'task')} as sums alone,`}</b>
              <span>{rangeText(leftOut())}</span>
              <button type="button" class="button" aria-expanded={open()} onClick={() => setOpen(!open())}>
                What is left out
              </button>
            </>
          )}
        </Show>
        <Show when={props.read < 1 && props.failure === ''}>
          <span role="status">{`Reading: ${Math.floor(props.read * 100)} %`}</span>
        </Show>
      </section>
      <Show when={props.failure !== ''}>
        <div class="banner" role="alert" data-tone="bad">
          <b>This file is damaged.</b>
          <span>{`${props.failure}. What was read before that is shown.`}</span>
        </div>
      </Show>
      <Show when={open() && props.head.leftOut}>
        {(leftOut) => <LeftOutTable leftOut={leftOut()} names={props.head.strings.function} />}
      </Show>
    </>
  );
}

function rangeText({ since, until, level }: LeftOut): string {
  const [from, to] = [toSeconds(since), toSeconds(until)];
  return `${formatDate(from)} ${formatClock(from)} – ${formatDate(to)} ${formatClock(to)}: busy time exact to ${formatDuration(toSeconds(2 ** level))}, no single tasks.`;
}

/** Sums of the records that are not in the file, by function, largest first. */
function LeftOutTable(props: { readonly leftOut: LeftOut; readonly names: readonly string[] }): JSX.Element {
  const rows = () => [...props.leftOut.functions].sort((a, b) => b.records - a.records);
  return (
    <section class="left-out" aria-label="What is left out">
      <table>
        <thead>
          <tr>
            <th scope="col">Function</th>
            <th scope="col">Tasks</th>
            <th scope="col">Erred</th>
            <th scope="col">Total</th>
            <th scope="col">Mean</th>
            <th scope="col">Longest</th>
            <th scope="col">Results</th>
          </tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {(row) => (
              <tr>
                <th scope="row">{formatName(props.names[row.fn] ?? '')}</th>
                <td>{formatCount(row.records)}</td>
                <td>{formatCount(row.erred)}</td>
                <td>{formatDuration(row.total)}</td>
                <td>{formatDuration(row.total / row.records)}</td>
                <td>{formatDuration(row.most)}</td>
                <td>{formatBytes(row.nbytes)}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </section>
  );
}

/** A day of the viewer's own calendar, as ISO 8601 writes it. */
function formatDate(seconds: number): string {
  const day = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
