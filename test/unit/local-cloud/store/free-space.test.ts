import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Extent, FreeSpace } from '../../../../src/local-cloud/store/free-space.js';

test('extents never overlap, whatever is taken and freed, also after a start, and nothing is kept when all is free', () => {
  const steps = fc.array(fc.oneof(fc.nat(20_000), fc.record({ free: fc.nat(50) }), fc.constant('start' as const)));
  fc.assert(
    fc.property(steps, (all) => {
      let space = new FreeSpace();
      const taken: Extent[] = [];
      for (const step of all) {
        if (step === 'start') space = new FreeSpace(taken);
        else if (typeof step === 'number') taken.push({ at: space.take(step), size: step });
        else if (taken.length > 0) space.free(taken.splice(step.free % taken.length, 1)[0] as Extent);
        const inOrder = taken.toSorted((left, right) => left.at - right.at);
        const ends = inOrder.map(({ at, size }) => at + Math.max(size, 1));
        for (const [index, { at }] of inOrder.entries()) expect(at).toBeGreaterThanOrEqual(ends[index - 1] ?? 0);
        expect(space.end).toBe(Math.ceil((ends.at(-1) ?? 0) / 4096) * 4096);
      }
      for (const extent of taken) space.free(extent);
      expect(space.end).toBe(0);
    }),
  );
});

test('room that is given back is used again', () => {
  const space = new FreeSpace();
  const extents = Array.from({ length: 30 }, () => ({ at: space.take(10_000), size: 10_000 }));
  const { end } = space;
  for (const extent of extents.slice(5, 25)) space.free(extent);
  const again = Array.from({ length: 60 }, () => space.take(4_000));
  expect(new Set(again).size).toBe(60);
  expect(space.end).toBe(end);
});
