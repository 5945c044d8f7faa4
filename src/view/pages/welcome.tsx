import { type JSX, Match, Switch } from 'solid-js';
import { useLive } from '../live-store.ts';
import { HelpLink } from '../widgets/help-link.tsx';

/** What stands above the stream as long as there is nothing to stream: what is missing, and the lines that bring it. */
export function Welcome(): JSX.Element {
  const live = useLive();
  const replica = () => {
    live.state();
    return live.replica;
  };
  const cluster = () => replica().cluster;
  const idle = () => {
    const { totals, running } = replica();
    return totals !== null && totals.records === 0 && running.size === 0 && live.stateTotals().every((n) => n === 0);
  };
  return (
    <Switch>
      <Match when={cluster() === null && live.status().state === 'open'}>
        <Note title="Waiting for the scheduler">
          <p>
            It has not answered yet. This page goes on by itself as soon as it does.{' '}
            <HelpLink section="it-is-not-reached" />
          </p>
        </Note>
      </Match>
      <Match when={cluster() !== null && cluster()?.engine !== 'recording' && replica().totals?.workers === 0}>
        <Note title="No workers yet">
          <p>The scheduler is there and nobody works for it. Start a worker on any machine that reaches it:</p>
          <pre>dask worker {cluster()?.address}</pre>
        </Note>
      </Match>
      <Match when={cluster()?.example && idle()}>
        <Note title="No tasks yet">
          <p>Press “Run example” above: 301 small tasks that show every part of this page.</p>
        </Note>
      </Match>
      <Match when={cluster()?.engine === 'dask' && idle()}>
        <Note title="No tasks yet">
          <p>The workers are waiting. Three lines of Python show something here:</p>
          <pre>
            {'from distributed import Client\n'}
            {`client = Client("${cluster()?.address}")\n`}
            {'client.gather(client.map(lambda x: x + 1, range(1000)))'}
          </pre>
        </Note>
      </Match>
    </Switch>
  );
}

function Note(props: { readonly title: string; readonly children: JSX.Element }): JSX.Element {
  return (
    <div class="panel note" role="note">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}
