import { type JSX, Show } from 'solid-js';
import { linkText } from '../link-text.ts';
import { useLive } from '../live-store.ts';
import { HelpLink } from '../widgets/help-link.tsx';

/** Says what is wrong with the lines, and keeps quiet otherwise. */
export function Banners(): JSX.Element {
  const live = useLive();
  const text = () => {
    live.state();
    const { cluster, link } = live.replica;
    // Before the first answer nothing was heard.
    return linkText(live.status(), cluster === null ? { ...link, heard: 0 } : link, cluster?.engine === 'recording');
  };
  const stopped = () => {
    live.state();
    const recording = live.replica.cluster?.recording;
    return recording?.state === 'stopped' ? recording : null;
  };
  const cut = () => {
    live.state();
    return live.replica.cluster?.cut;
  };
  return (
    <>
      <Show when={text().banner}>
        {(banner) => (
          <div class="banner" role="alert" data-tone={text().tone}>
            <b>{banner().title}</b>
            <span>{banner().text}</span>
            <Show when={banner().help}>{(section) => <HelpLink section={section()} />}</Show>
            <Show when={live.status().state === 'version'}>
              <button type="button" class="button" onClick={() => location.reload()}>
                Reload
              </button>
            </Show>
          </div>
        )}
      </Show>
      <Show when={stopped()}>
        {(recording) => (
          <div class="banner" role="alert" data-tone="warn">
            <b>Recording has stopped.</b>
            <span>{recording().reason.replace(/\.$/, '')}. What was written is kept; what you see goes on.</span>
          </div>
        )}
      </Show>
      <Show when={cut()}>
        {(reason) => (
          <div class="banner" role="alert" data-tone="warn">
            <b>Older details are missing.</b>
            <span>{reason()}. Sums and counts are kept.</span>
          </div>
        )}
      </Show>
      <Show when={live.status().refusal !== ''}>
        <div class="banner" role="alert">
          <b>The server refused a request of this page.</b>
          <span>{live.status().refusal}</span>
        </div>
      </Show>
    </>
  );
}
