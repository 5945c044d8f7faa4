import { type JSX, Show } from 'solid-js';
import { STATE_INDEX } from '../../model/task-state.ts';
import {
  formatBytesOf,
  formatCount,
  formatDuration,
  formatPercent,
  formatPerSecond,
  plural,
  UNKNOWN,
} from '../format.ts';
import { useLive } from '../live-store.ts';

const MODES = {
  feed: '',
  run_function: '',
  preload: '',
  embedded: '',
  recording: 'replayed from a recording',
  polling: 'reduced mode: polling · leaves Dask’s own task record on',
} as const;

/** The cluster in one strip. Values are data, so nothing here animates; a phone scrolls it sideways. */
export function Totals(): JSX.Element {
  const live = useLive();
  const replica = () => {
    live.state();
    return live.replica;
  };
  const totals = () => replica().totals;
  const states = () => live.stateTotals();
  /** Failed in the last run and dropped by the scheduler since, as nobody holds them; the stream still shows them. */
  const forgottenErrors = () =>
    Math.max(0, (replica().runs[replica().runs.length - 1]?.erred ?? 0) - states()[STATE_INDEX.erred]!);
  const memory = () => {
    const { memory: used = Number.NaN, memoryLimit = Number.NaN, spilled = 0 } = totals() ?? {};
    const [part, limit] = formatBytesOf(used, memoryLimit > 0 ? memoryLimit : used);
    return {
      part: memoryLimit > 0 ? part : limit,
      of: memoryLimit > 0 ? ` of ${limit}` : '',
      spilled: spilled > 0 ? ` · ${formatBytesOf(spilled, Math.max(memoryLimit, used))[0]} spilled` : '',
      share: memoryLimit > 0 ? used / memoryLimit : 0,
    };
  };
  const polls = () => replica().cluster?.mode === 'polling';
  const cost = () => {
    const known = replica().cost;
    const mode = MODES[replica().cluster?.mode ?? 'feed'];
    if (mode === MODES.recording || mode === MODES.polling) return mode;
    const parts = [`${formatPercent((known?.share ?? Number.NaN) * 100)} of a core`];
    if (known !== null && Number.isFinite(known.perTask)) parts.push(`${formatDuration(known.perTask / 1e6)} a task`);
    if (mode !== '') parts.push(mode);
    return parts.join(' · ');
  };
  return (
    <section class="totals" aria-label="Totals" tabindex="0">
      <Total name="Workers">
        <b data-total="workers">{formatCount(totals()?.workers ?? Number.NaN)}</b>{' '}
        {totals() === null ? '' : plural(totals()!.threads, 'thread')}
      </Total>
      <Total name="CPU">
        <b>{formatPercent(totals()?.cpu ?? Number.NaN)}</b>
        <Gauge share={(totals()?.cpu ?? 0) / 100} />
      </Total>
      <Total name="Memory">
        <b>{memory().part}</b>
        {memory().of}
        {memory().spilled}
        <Gauge share={memory().share} />
      </Total>
      <Total name="Tasks done">
        <b data-total="records">{formatCount(totals()?.records ?? Number.NaN)}</b>{' '}
        {formatPerSecond(totals()?.rate ?? Number.NaN)}
      </Total>
      <Total name="Processing · queued · waiting">
        <b>{formatCount(states()[STATE_INDEX.processing]!)}</b> · {formatCount(states()[STATE_INDEX.queued]!)} ·{' '}
        {formatCount(states()[STATE_INDEX.waiting]!)}
      </Total>
      <Total name="Erred" alarm={states()[STATE_INDEX.erred]! > 0}>
        <b>{formatCount(states()[STATE_INDEX.erred]!)}</b>
        <Show when={forgottenErrors() > 0}> · {formatCount(forgottenErrors())} forgotten</Show>
      </Total>
      <Show when={replica().cluster?.engine !== 'embedded'}>
        <Total name="Cost to the scheduler" class="cost">
          {replica().cost === null && !polls() ? UNKNOWN : cost()}
        </Total>
      </Show>
    </section>
  );
}

function Total(props: {
  readonly name: string;
  readonly class?: string;
  readonly alarm?: boolean;
  readonly children: JSX.Element;
}): JSX.Element {
  return (
    <dl class={`total ${props.class ?? ''}`} data-alarm={props.alarm === true}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </dl>
  );
}

function Gauge(props: { readonly share: number }): JSX.Element {
  const share = () => (Number.isFinite(props.share) ? Math.min(1, Math.max(0, props.share)) : 0);
  return (
    <div class="gauge" aria-hidden="true">
      <i style={{ transform: `scaleX(${share()})` }} />
    </div>
  );
}
