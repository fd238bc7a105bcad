import { describe, expect, test } from 'vitest';
import { Prefetch } from '../../../src/pilot/prefetch.js';

function seen(slots: number, runMs: number, count = 200): Prefetch {
  const prefetch = new Prefetch(slots, 'auto');
  for (let index = 0; index < count; index++) prefetch.observe(runMs);
  return prefetch;
}

describe('tasks wanted beyond the workers', () => {
  test('are none while no task has been seen', () => {
    expect(new Prefetch(2, 'auto').wanted(0)).toBe(0);
    expect(new Prefetch(2, 'auto').news(0)).toBeUndefined();
  });

  test('are as many as keep the workers busy for 20 ms: many quick ones, few of 10 ms, none of a second', () => {
    expect(seen(2, 0.07).wanted(0)).toBe(400);
    expect(seen(2, 9.97).wanted(0)).toBe(4);
    expect(seen(2, 1_000).wanted(0)).toBe(0);
  });

  test('are fewer while every worker is at something long, whatever came before', () => {
    const prefetch = seen(2, 0.07);
    expect(prefetch.wanted(10)).toBe(4);
    expect(prefetch.wanted(500)).toBe(0);
  });

  test('are bounded, and told only when they differ by much', () => {
    expect(seen(1_000, 0).wanted(0)).toBe(4_000);
    const prefetch = seen(2, 0.07);
    expect(prefetch.news(0)).toBe(400);
    expect(prefetch.news(0)).toBeUndefined();
    expect(prefetch.news(0.15)).toBeUndefined();
    expect(prefetch.news(1)).toBe(40);
    expect(prefetch.said).toBe(40);
    expect(prefetch.news(100)).toBe(0);
  });

  test('are what was asked for, when that is a number', () => {
    const prefetch = new Prefetch(2, 7);
    prefetch.observe(1_000);
    expect(prefetch.wanted(1_000)).toBe(7);
    expect(prefetch.news(1_000)).toBeUndefined();
  });
});
