import type { HelpSection } from '../base/help.ts';
import type { LinkView } from '../model/batch.ts';
import type { Seconds } from '../model/units.ts';
import type { ConnectionStatus } from './connection.ts';
import { formatClock } from './format.ts';

export interface LinkText {
  /** In the header, a word or two. */
  readonly label: string;
  readonly tone: 'ok' | 'warn' | 'bad' | 'dim';
  /** In the banner, what it means and what happens next; null when there is nothing to say. */
  readonly banner: { readonly title: string; readonly text: string; readonly help?: HelpSection } | null;
}

/**
 * The two lines of a page said as one: browser to server, server to scheduler. The nearer one comes first: while the
 * server is away nothing is known of the scheduler. `at`: all that is shown is of that time.
 */
export function linkText(
  status: ConnectionStatus,
  link: LinkView,
  replayed: boolean,
  at: Seconds | null = null,
): LinkText {
  switch (status.state) {
    case 'connecting':
      return { label: 'Connecting', tone: 'warn', banner: null };
    case 'version':
      return {
        label: 'Other version',
        tone: 'bad',
        banner: {
          title: 'The page and the server are of different versions.',
          text: 'Reloading did not help: empty the browser’s cache for this site, then reload.',
          help: 'the-page-and-the-server-are-of-different-versions',
        },
      };
    case 'silent':
    case 'lost':
      return {
        label: 'Server lost',
        tone: 'bad',
        banner: {
          title: 'The Taskglass server does not answer.',
          text:
            status.heard === 0
              ? 'Retrying. Where a proxy stands between, it may not pass WebSockets.'
              : `${heard(status.heard / 1000)}Retrying; what you see is what was last known.`,
          help: 'the-server-does-not-answer',
        },
      };
    case 'open':
      break;
  }
  const reason = link.reason === '' ? '' : `${link.reason.replace(/\.$/, '')}. `;
  switch (link.state) {
    case 'connected':
      if (at !== null) {
        const label = `At ${formatClock(at)}${replayed ? '' : ', not live'}`;
        return { label, tone: 'warn', banner: null };
      }
      return replayed ? { label: 'Recording', tone: 'dim', banner: null } : { label: 'Live', tone: 'ok', banner: null };
    case 'connecting':
      if (replayed) {
        const banner = { title: 'Reading the recording.', text: 'What has been read so far is shown.' };
        return { label: 'Reading', tone: 'warn', banner };
      }
      return {
        label: 'Connecting',
        tone: 'warn',
        banner: { title: 'Connecting to the scheduler.', text: reason + heard(link.heard), help: 'the-scheduler' },
      };
    case 'lost':
      return {
        label: 'Lost',
        tone: 'bad',
        banner: {
          title: 'The scheduler is lost.',
          text: `${reason}${heard(link.heard)}Retrying; what you see is what was last known.`,
          help: 'the-scheduler',
        },
      };
    case 'stalled':
      return {
        label: 'Stalled',
        tone: 'warn',
        banner: {
          title: 'The scheduler answers late.',
          text: `${heard(link.heard)}Its event loop is busy or the process is stopped.`,
          help: 'the-scheduler-answers-late',
        },
      };
  }
}

function heard(seconds: number): string {
  return seconds > 0 ? `Last heard ${formatClock(seconds)}. ` : '';
}
