import { expect, test } from 'vitest';
import { SubmitLimiter } from '../../../src/scaling/submit-limiter.js';

test('a burst goes up to the limit of a second, and on once that has passed', () => {
  const limiter = new SubmitLimiter({ perSecond: 2, perMinute: 10 });
  expect(limiter.allowed(0)).toBe(2);
  limiter.take(0);
  limiter.take(400);
  expect(limiter.allowed(999)).toBe(0);
  expect(limiter.nextMs(999)).toBe(1_000);
  expect(limiter.allowed(1_000)).toBe(1);
});

test('no minute sees more than its limit, wherever it begins', () => {
  const limiter = new SubmitLimiter({ perSecond: 10, perMinute: 3 });
  for (const atMs of [0, 30_000, 59_000]) limiter.take(atMs);
  expect(limiter.allowed(59_999)).toBe(0);
  expect(limiter.nextMs(59_999)).toBe(60_000);
  expect(limiter.allowed(60_000)).toBe(1);
  limiter.take(60_000);
  expect(limiter.nextMs(60_000)).toBe(90_000);
});

test('what is allowed now need not wait', () => {
  expect(new SubmitLimiter({ perSecond: 1, perMinute: 1 }).nextMs(77)).toBe(77);
});
