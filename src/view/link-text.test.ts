import { describe, expect, it } from 'vitest';
import type { LinkView } from '../model/batch.ts';
import type { ConnectionStatus } from './connection.ts';
import { formatClock } from './format.ts';
import { linkText } from './link-text.ts';

const OPEN: ConnectionStatus = { state: 'open', heard: 1_700_000_000_000, attempts: 0, server: '0.1.0', refusal: '' };
const CONNECTED: LinkView = { state: 'connected', since: 1, heard: 1_700_000_000, reason: '' };

describe('the line to the cluster in words', () => {
  it.each([
    ['connected', 'Live', 'ok'],
    ['connecting', 'Connecting', 'warn'],
    ['lost', 'Lost', 'bad'],
    ['stalled', 'Stalled', 'warn'],
  ] as const)('%s is %s', (state, label, tone) => {
    const text = linkText(OPEN, { ...CONNECTED, state }, false);
    expect([text.label, text.tone]).toEqual([label, tone]);
    expect(text.banner === null).toBe(state === 'connected');
  });

  it('says when a lost scheduler was heard last, why, and that it is retried', () => {
    const { banner } = linkText(OPEN, { ...CONNECTED, state: 'lost', reason: 'connection refused' }, false);
    expect(banner?.text).toContain('connection refused. ');
    expect(banner?.text).toContain(`Last heard ${formatClock(1_700_000_000)}`);
    expect(banner?.text).toContain('Retrying');
  });

  it('says nothing of the scheduler while the server is away', () => {
    for (const state of ['silent', 'lost'] as const)
      expect(linkText({ ...OPEN, state }, CONNECTED, false).label).toBe('Server lost');
    expect(linkText({ ...OPEN, state: 'version' }, CONNECTED, false).banner?.title).toContain('different versions');
  });

  it('does not call a recording live', () => expect(linkText(OPEN, CONNECTED, true).label).toBe('Recording'));
});
