import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type GroupQuery } from '../../model/batch.ts';
import { TrackGroups } from './track-groups.ts';

const TRACKS = 60;

/** Groups whose ranges ascend in pairs, as they do on the wire: empty ones and neighbours that touch are among them. */
const groups = fc.array(fc.array(fc.nat(TRACKS), { maxLength: 8 }), { maxLength: 6 }).map((all) =>
  all.map((edges, i): GroupQuery => {
    const ranges = edges.slice(edges.length % 2).sort((a, b) => a - b);
    return { row: FIRST_GROUP + 1 + i, ranges };
  }),
);

function isIn({ ranges }: GroupQuery, track: number): boolean {
  return ranges.some((from, i) => i % 2 === 0 && track >= from && track < ranges[i + 1]!);
}

describe('groups of tracks', () => {
  it('know of each track which of them it is in, whether or not they overlap', () => {
    fc.assert(
      fc.property(groups, (asked) => {
        const places = new TrackGroups(asked);
        for (let track = 0; track <= TRACKS; track++) {
          const rows = asked.filter((group) => isIn(group, track)).map(({ row }) => row);
          expect([...places.of(track)]).toEqual(rows);
          for (const { row } of asked) expect(places.holds(row, track)).toBe(rows.includes(row));
        }
      }),
    );
  });

  it('know it of groups that lie apart, as hosts do', () => {
    const hosts = Array.from({ length: 20 }, (_, i) => ({ row: FIRST_GROUP + 1 + i, ranges: [i * 10, i * 10 + 8] }));
    const places = new TrackGroups(hosts);
    for (let track = 0; track < 200; track++) {
      expect(places.of(track)).toEqual(track % 10 < 8 ? [FIRST_GROUP + 1 + Math.floor(track / 10)] : []);
    }
    expect(places.of(1_000)).toEqual([]);
  });
});
