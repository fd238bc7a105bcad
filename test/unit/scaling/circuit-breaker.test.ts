import { expect, test } from 'vitest';
import { CircuitBreaker } from '../../../src/scaling/circuit-breaker.js';

const OPTIONS = { failures: 2, pauseMs: 100, longestPauseMs: 300 };

function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.failed('block-0', 0);
  breaker.failed('block-1', 0);
  return breaker;
}

test('failures in a row stop submissions; a block that works in between starts the count again', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.failed('block-0', 0);
  breaker.worked();
  breaker.failed('block-1', 0);
  expect(breaker.allowed(0)).toBe(Number.POSITIVE_INFINITY);
  breaker.failed('block-2', 0);
  expect(breaker.allowed(99)).toBe(0);
  expect(breaker.nextMs()).toBe(100);
});

test('after the pause one block is tried, and no other until it has decided', () => {
  const breaker = opened();
  expect(breaker.allowed(100)).toBe(1);
  breaker.submitted('block-2');
  expect(breaker.allowed(10_000)).toBe(0);
  breaker.worked();
  expect(breaker.allowed(10_000)).toBe(Number.POSITIVE_INFINITY);
});

test('each trial that fails doubles the pause, up to the longest', () => {
  const breaker = opened();
  let nowMs = 100;
  for (const pauseMs of [200, 300, 300]) {
    breaker.submitted(`trial at ${nowMs}`);
    breaker.failed(`trial at ${nowMs}`, nowMs);
    expect(breaker.nextMs()).toBe(nowMs + pauseMs);
    nowMs += pauseMs;
  }
});

test('failures of blocks from before the pause change nothing', () => {
  const breaker = opened();
  breaker.failed('block-0', 50);
  expect(breaker.nextMs()).toBe(100);
  breaker.submitted('block-2');
  breaker.failed('block-1', 150);
  expect(breaker.allowed(150)).toBe(0);
  expect(breaker.nextMs()).toBeUndefined();
});

test('a trial that ends without a verdict is followed by another at once', () => {
  const breaker = opened();
  breaker.submitted('block-2');
  breaker.ended('block-2', 120);
  expect(breaker.allowed(120)).toBe(1);
});

test('tripping pauses at once; again after the pause, for longer', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.trip(0);
  breaker.trip(50);
  expect(breaker.nextMs()).toBe(100);
  breaker.trip(100);
  expect(breaker.nextMs()).toBe(300);
});
