import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns } from '../../model/source-event.ts';
import { ColumnCutter, cutLinks, joinColumns, RowFilter } from './columns.ts';

/** Parts as a source tells them: keys are numbers of their own, and `wanted` says which keys each depends on. */
const told = fc
  .array(
    fc.record({
      past: fc.boolean(),
      rows: fc.array(fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 3 }), { maxLength: 6 }),
    }),
    { maxLength: 12 },
  )
  .map((ticks) => {
    let key = 0;
    let counted = 0;
    const parts = ticks.map(({ past, rows }): FinishedColumns => {
      const links = rows.map((back) => {
        const known = past ? [] : back.filter((distance) => distance <= counted);
        if (!past) counted++;
        return known;
      });
      const made = makeColumns(rows.length, rows.length, past, links.flat().length);
      made.startstops.fill(1);
      made.keys = rows.map(() => String(key++));
      made.start.set(made.keys.map(Number));
      made.dependencies.set(links.map((back) => back.length));
      made.back.set(links.flat());
      return made;
    });
    return parts;
  });

/** By key: the keys that it depends on. */
function links(parts: readonly FinishedColumns[]): Map<string, string[]> {
  const counted: string[] = [];
  const found = new Map<string, string[]>();
  for (const part of parts) {
    let at = 0;
    part.keys.forEach((key, row) => {
      const own: string[] = [];
      for (const end = at + part.dependencies[row]!; at < end; at++) {
        const dependency = counted.at(-part.back[at]!);
        if (dependency === undefined) throw new Error(`${key} depends on what was not told`);
        own.push(dependency);
      }
      if (!part.past) counted.push(key);
      found.set(key, own);
      expect(part.start[row]).toBe(Number(key));
    });
    expect(at).toBe(part.back.length);
  }
  return found;
}

describe('distances to dependencies', () => {
  it('stay right where columns are cut and joined', () => {
    fc.assert(
      fc.property(told, fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }), (parts, sizes) => {
        const cut = parts.flatMap((part, i) => {
          const cutter = new ColumnCutter(part);
          const pieces: FinishedColumns[] = [];
          for (let n = i; cutter.left > 0; n++) pieces.push(cutter.next(sizes[n % sizes.length]!));
          return pieces.length === 0 ? [] : [joinColumns(pieces.slice(0, 2)), ...pieces.slice(2)];
        });
        expect(links(cut)).toEqual(links(parts));
      }),
    );
  });

  it('stay right where rows are left out, and those to what was left out go', () => {
    fc.assert(
      fc.property(told, fc.func(fc.boolean()), (parts, keep) => {
        const filter = new RowFilter();
        const kept = parts.map((part) => filter.next(part, (row) => keep(part.keys[row])));
        const wanted = [...links(parts)]
          .filter(([key]) => keep(key))
          .map(([key, own]) => [key, own.filter((dependency) => keep(dependency))] as const);
        expect(links(kept)).toEqual(new Map(wanted));
      }),
    );
  });

  it('go where they reach back behind something that was missed', () => {
    fc.assert(
      fc.property(told, fc.nat(12), (parts, missed) => {
        let rows = 0;
        const rest = parts.slice(missed).map((part) => {
          const cut = cutLinks(part, rows);
          if (!part.past) rows += part.length;
          return cut;
        });
        const there = new Set(rest.flatMap(({ keys }) => keys));
        const wanted = [...links(parts)]
          .filter(([key]) => there.has(key))
          .map(([key, own]) => [key, own.filter((dependency) => there.has(dependency))] as const);
        expect(links(rest)).toEqual(new Map(wanted));
      }),
    );
  });
});
