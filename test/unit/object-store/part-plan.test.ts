import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lengthOf, MAX_PARTS, PART_BYTES, planParts } from '../../../src/object-store/part-plan.js';

test('parts cover any size without gap or overlap, and are never too many', () => {
  const anySize = fc.oneof(fc.integer({ min: 0, max: 5 * PART_BYTES }), fc.integer({ min: 0, max: 5 * 2 ** 40 }));
  fc.assert(
    fc.property(anySize, (size) => {
      const parts = planParts(size);
      let next = 0;
      for (const part of parts) {
        if (part.start !== next || lengthOf(part) < 1) return false;
        next = part.end + 1;
      }
      return next === size && parts.length <= MAX_PARTS;
    }),
    { numRuns: 50 },
  );
});

test('parts are 8 MiB while that suffices', () => {
  expect(planParts(2 * PART_BYTES + 1).map(lengthOf)).toEqual([PART_BYTES, PART_BYTES, 1]);
  expect(planParts(PART_BYTES * MAX_PARTS)).toHaveLength(MAX_PARTS);
  expect(planParts(0)).toEqual([]);
});
