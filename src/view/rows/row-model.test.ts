import { describe, expect, it } from 'vitest';
import type { TrackView } from '../../model/batch.ts';
import { DEFAULT_ROWS, GroupNumbers, type RowOptions, rangesOf, rowsOf, type TrackActivity } from './row-model.ts';
import { trackOf } from './rows.fixture.ts';

/** `host/worker x threads` each, their tracks in that order; `✕` in front: the worker is gone. */
function tracksOf(text: string): TrackView[] {
  const tracks: TrackView[] = [];
  for (const part of text.trim().split(/\s{2,}/)) {
    const [, gone, host = '', name = '', threads] = /^(✕?)(\w+)\/([\w-]+) x(\d+)$/.exec(part) ?? [];
    for (let slot = 0; slot < Number(threads); slot++)
      tracks.push(trackOf(tracks.length, host, name, slot, gone === ''));
  }
  return tracks;
}

/** Rows as a person sees them: bands in brackets, folded groups with ▸, a label with the tracks beside it. */
function picture(
  tracks: readonly TrackView[],
  options: Partial<RowOptions> = {},
  activity: TrackActivity | null = null,
): string[] {
  const { sections } = rowsOf(tracks, { ...DEFAULT_ROWS, ...options }, () => false, activity, new GroupNumbers());
  return sections.flatMap(({ band, bandKey, folded, label, pinned, units }) => {
    const sign = folded === null ? ' ' : folded ? '▸' : '▾';
    const numbers = units.map((unit) => unit.tracks.join('+')).join(' ');
    return [
      ...(band === null ? [] : [`[${bandKey === null ? '' : '▾ '}${band}]`]),
      `${pinned ? '●' : ''}${sign} ${label}: ${numbers}`,
    ];
  });
}

const SMALL = tracksOf('b/w10 x2  b/w2 x2  a/w1 x1');

describe('rowsOf', () => {
  it('lays few tracks out by worker, unfolded, hosts above them', () => {
    expect(picture(SMALL)).toEqual(['[a]', '  w1: 4', '[b]', '▾ w2: 2 3', '▾ w10: 0 1']);
  });

  it('folds many: by host where there are several, by worker where there is one', () => {
    expect(picture(tracksOf('b/w1 x200  a/w2 x1  a/w3 x100')).map((line) => line.slice(0, 12))).toEqual([
      '▸ a: 200+201',
      '▸ b: 0+1+2+3',
    ]);
    expect(picture(tracksOf('a/w1 x200  a/w2 x1  a/w3 x100')).map((line) => line.slice(0, 10))).toEqual([
      '▸ w1: 0+1+',
      '  w2: 200',
      '▸ w3: 201+',
    ]);
  });

  it('unfolds the groups that were toggled, and folds them where the others are not', () => {
    const options: Partial<RowOptions> = { group: 'host', folded: true };
    expect(picture(SMALL, options)).toEqual(['  w1: 4', '▸ b: 2+3+0+1']);
    expect(picture(SMALL, { ...options, toggled: ['h b'] })).toEqual(['  w1: 4', '[▾ b]', '  w2: 2 3', '  w10: 0 1']);
    expect(picture(SMALL, { toggled: ['w b w2 tcp://b:w2'] })).toEqual([
      '[a]',
      '  w1: 4',
      '[b]',
      '▸ w2: 2+3',
      '▾ w10: 0 1',
    ]);
  });

  it('has a row with a name of its own for each thread where nothing is grouped', () => {
    expect(picture(SMALL, { group: 'none' })).toEqual([
      '  w1 · 0: 4',
      '  w2 · 0: 2',
      '  w2 · 1: 3',
      '  w10 · 0: 0',
      '  w10 · 1: 1',
    ]);
  });

  it('sorts by name, by busy time and by last activity, groups and the rows in them', () => {
    const tracks = tracksOf('b/w1 x2  a/w2 x2');
    const activity: TrackActivity = { busy: (track) => [1, 2, 0, 9][track]!, last: (track) => [50, 7, 60, 5][track]! };
    expect(picture(tracks, { order: 'name' }).filter((line) => !line.startsWith('['))).toEqual([
      '▾ w1: 0 1',
      '▾ w2: 2 3',
    ]);
    expect(picture(tracks, { order: 'busy' }, activity)).toEqual(['▾ w2: 3 2', '▾ w1: 1 0']);
    expect(picture(tracks, { order: 'last', group: 'none' }, activity)).toEqual([
      '  w2 · 0: 2',
      '  w1 · 0: 0',
      '  w1 · 1: 1',
      '  w2 · 1: 3',
    ]);
    // Before anything is known of it the rows lie as they always do.
    expect(picture(tracks, { order: 'busy' }, null)).toEqual(['▾ w2: 2 3', '▾ w1: 0 1']);
  });

  it('puts pinned groups first and leaves out what the filter does not name', () => {
    expect(picture(SMALL, { pinned: ['w b w10 tcp://b:w10'] })).toEqual([
      '●▾ w10: 0 1',
      '[a]',
      '  w1: 4',
      '[b]',
      '▾ w2: 2 3',
    ]);
    expect(picture(SMALL, { text: ' W1 ' })).toEqual(['[a]', '  w1: 4', '[b]', '▾ w10: 0 1']);
    expect(picture(SMALL, { text: 'nobody' })).toEqual([]);
  });

  it('leaves out rows of workers that are gone and show nothing', () => {
    expect(picture(tracksOf('✕a/w1 x2  a/w2 x1'))).toEqual(['  w2: 2']);
  });

  it('names a group by one number as long as a page lives, and asks anew when its tracks are others', () => {
    const numbers = new GroupNumbers();
    const first = numbers.of('h a', [3, 1, 2]);
    expect(first.ranges).toEqual([1, 4]);
    expect(numbers.of('h a', [1, 2, 3])).toBe(first);
    const wider = numbers.of('h a', [1, 2, 3, 9]);
    expect(wider).toEqual({ row: first.row, ranges: [1, 4, 9, 10] });
    expect(numbers.of('h b', [1]).row).not.toBe(first.row);
    expect(rangesOf([])).toEqual([]);
  });
});
