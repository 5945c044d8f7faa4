import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('is the mean growth of the last three seconds', () => {
  const pace = new Pace();
  for (let i = 0; i <= 100; i++) pace.saw(1000 + i / 10, i * 5);
  expect(pace.at(1010, 500)).toBeCloseTo(50);
  expect(pace.at(1016, 500)).toBeLessThan(1);
});

it('holds a few seconds of readings, though nobody asks for it for hours', () => {
  const pace = new Pace();
  for (let i = 0; i < 100_000; i++) pace.saw(1000 + i / 10, i);
  expect(pace.length).toBeLessThan(40);
});

it('begins anew on the clock of another scheduler', () => {
  const pace = new Pace();
  for (let i = 0; i < 50; i++) pace.saw(5000 + i / 10, i);
  pace.saw(1000, 50);
  expect(pace.length).toBe(1);
  expect(pace.at(1000, 50)).toBe(0);
});

it('says at an earlier time what it would have said then, though it was asked for a later one', () => {
  const pace = new Pace();
  const asked = new Pace();
  for (const each of [pace, asked]) for (let i = 0; i <= 3; i++) each.saw(1000 + i, i * 6);
  expect(asked.at(1020, 18)).toBe(0);
  expect(asked.at(1003.5, 18)).toBe(pace.at(1003.5, 18));
  expect(pace.at(1003.5, 18)).toBeCloseTo(18 / 3.5);
});
