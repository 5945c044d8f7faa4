import { helpFor } from '../../base/help.ts';
import { formatClock } from '../format.ts';
import type { LinkText } from '../link-text.ts';
import type { FeedLine } from './feed.ts';

/** The line to the process in words. `heard`: when its last answer was read, by its clock, seconds; 0 = never. */
export function lineText(line: FeedLine, paused: boolean, heard: number): LinkText {
  const last = heard > 0 ? `Last heard ${formatClock(heard)}. ` : '';
  switch (line.state) {
    case 'lost': {
      const { title, detail, advice } = line.failure ?? {
        title: 'The process does not answer.',
        detail: '',
        advice: '',
      };
      const text = [detail, advice].map(sentence).join('');
      return {
        label: 'Lost',
        tone: 'bad',
        banner: {
          title: sentence(title).trim(),
          text: `${text}${last}${paused ? '' : 'Retrying; '}${paused ? 'What' : 'what'} you see is what was last known.`,
          help: helpFor(line.failure?.code) ?? 'the-server-does-not-answer',
        },
      };
    }
    case 'late':
      return {
        label: 'Late',
        tone: 'warn',
        banner: {
          title: 'The process answers late.',
          text: `${last}Its event loop is busy, or the process is stopped.`,
          help: 'the-scheduler-answers-late',
        },
      };
    case 'reading':
      return { label: 'Reading', tone: 'warn', banner: null };
    case 'live':
      return paused ? { label: 'Paused', tone: 'dim', banner: null } : { label: 'Live', tone: 'ok', banner: null };
  }
}

function sentence(text: string): string {
  if (text === '') return '';
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/[.\s]+$/, '')}. `;
}
