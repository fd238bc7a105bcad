import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveLimit, type Place } from '../../src/adaptive-limit.js';

/** Takes every place there is. */
function fill(limit: AdaptiveLimit): Place[] {
  const places: Place[] = [];
  while (limit.hasRoom) places.push(limit.take());
  return places;
}

function round(limit: AdaptiveLimit, answer: 'answered' | 'throttled' | 'failed'): number {
  const places = fill(limit);
  for (const place of places) limit.release(place, answer);
  return places.length;
}

describe('AdaptiveLimit', () => {
  test('starts at 64, or at the maximum where that is less', () => {
    expect(new AdaptiveLimit(1_000, 64).current).toBe(64);
    expect(new AdaptiveLimit(5, 64).current).toBe(5);
    expect(fill(new AdaptiveLimit(5, 64))).toHaveLength(5);
  });

  test('doubles with every round of successes until the maximum, while nothing was refused', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    expect(Array.from({ length: 6 }, () => round(limit, 'answered'))).toEqual([64, 128, 256, 512, 1_000, 1_000]);
  });

  test('who is not refused at once counts as a success, and only once', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    const first = fill(limit);
    for (const place of first) limit.letIn(place);
    expect(limit.current).toBe(128);
    for (const place of first) limit.release(place, 'answered');
    expect(limit.current).toBe(128);
  });

  test('who is refused late is refused all the same', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    const places = fill(limit);
    for (const place of places) limit.letIn(place);
    for (const place of places) limit.release(place, 'throttled');
    expect(limit.current).toBe(32);
  });

  test('a round of refusals is one cut, to half of what was under way', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    expect(round(limit, 'throttled')).toBe(64);
    expect(limit.current).toBe(32);
    expect(round(limit, 'throttled')).toBe(32);
    expect(limit.current).toBe(16);
  });

  test('a cut counts from what was under way, not from what would have been allowed', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    const places = Array.from({ length: 10 }, () => limit.take());
    limit.release(places[0] as Place, 'throttled');
    expect(limit.current).toBe(5);
  });

  test('a refusal that comes last of a round cuts to half of what was under way when it was sent', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    const places = fill(limit);
    const last = places.pop() as Place;
    for (const place of places) limit.release(place, 'answered');
    limit.release(last, 'throttled');
    expect(limit.current).toBe(32);
  });

  test('after the first refusal it grows by one a round', () => {
    const limit = new AdaptiveLimit(1_000, 64);
    round(limit, 'throttled');
    for (const expected of [32, 33, 34]) {
      expect(limit.current).toBeGreaterThanOrEqual(expected - 1);
      round(limit, 'answered');
      expect(limit.current).toBeLessThanOrEqual(expected + 1);
    }
  });

  test('recovers to the maximum once nothing is refused any more', () => {
    const limit = new AdaptiveLimit(40, 64);
    for (let times = 0; times < 10; times++) round(limit, 'throttled');
    expect(limit.current).toBe(1);
    for (let times = 0; times < 80; times++) round(limit, 'answered');
    expect(limit.current).toBe(40);
  });

  test('failures that are no refusals change nothing', () => {
    const limit = new AdaptiveLimit(40, 64);
    round(limit, 'failed');
    expect(limit.current).toBe(40);
  });

  test('against a service that takes N at a time it settles near N, and most requests get through', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (capacity) => {
        const limit = new AdaptiveLimit(1_000, 64);
        const rounds = 60 + capacity;
        let [refused, sent] = [0, 0];
        for (let turn = 0; turn < rounds; turn++) {
          const places = fill(limit);
          places.forEach((place, index) => {
            const answer = index < capacity ? 'answered' : 'throttled';
            if (turn > rounds / 2) {
              sent += 1;
              refused += answer === 'throttled' ? 1 : 0;
            }
            limit.release(place, answer);
          });
        }
        expect(limit.current).toBeLessThanOrEqual(capacity + 2);
        expect(limit.current).toBeGreaterThanOrEqual(Math.floor(capacity / 2));
        expect(refused / sent).toBeLessThan(0.51);
      }),
      { numRuns: 60 },
    );
  });

  test('whatever happens, it stays within 1 and the maximum, and no more is under way than it allowed', () => {
    const answers = fc.constantFrom('answered', 'throttled', 'failed') as fc.Arbitrary<
      'answered' | 'throttled' | 'failed'
    >;
    const steps = fc.array(fc.record({ take: fc.boolean(), which: fc.nat(), answer: answers }), { maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), steps, (max, history) => {
        const limit = new AdaptiveLimit(max, 64);
        const underWay: Place[] = [];
        for (const { take, which, answer } of history) {
          if (take && limit.hasRoom) {
            underWay.push(limit.take());
            expect(underWay.length).toBeLessThanOrEqual(limit.current);
          } else if (underWay.length > 0) {
            const [place] = underWay.splice(which % underWay.length, 1);
            limit.release(place as Place, answer);
          }
          expect(limit.current).toBeGreaterThanOrEqual(1);
          expect(limit.current).toBeLessThanOrEqual(max);
          expect(limit.hasRoom).toBe(underWay.length < limit.current);
        }
      }),
    );
  });
});
