import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryDelayMs } from '../../../src/kernel/retry.js';

test('a failure of the app is repeated at once', () => {
  expect(retryDelayMs({ class: 'app', attempt: 9, random: 0.9 })).toBe(0);
});

test('the wait after a failure of infrastructure doubles with each attempt, up to 20 s', () => {
  const longest = [1, 2, 3, 8, 9, 30].map((attempt) => retryDelayMs({ class: 'infrastructure', attempt, random: 1 }));
  expect(longest).toEqual([100, 200, 400, 12_800, 20_000, 20_000]);
});

test('chance decides how much of it is waited', () => {
  const attempt = fc.integer({ min: 1, max: 2_000 });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(attempt, random, (attempt, random) => {
      const delayMs = retryDelayMs({ class: 'infrastructure', attempt, random });
      const longest = retryDelayMs({ class: 'infrastructure', attempt, random: 1 });
      expect(delayMs).toBe(Math.ceil(longest * random));
      expect(Number.isSafeInteger(delayMs)).toBe(true);
    }),
  );
});
