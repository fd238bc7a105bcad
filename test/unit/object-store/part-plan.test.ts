import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteRange } from '../../../src/object-store/object-store.js';
import { lengthOf, MAX_PARTS, PART_BYTES, planParts, planRanges } from '../../../src/object-store/part-plan.js';

const anySize = fc.oneof(fc.integer({ min: 0, max: 5 * PART_BYTES }), fc.integer({ min: 0, max: 5 * 2 ** 40 }));

function cover(ranges: readonly ByteRange[], size: number): boolean {
  let next = 0;
  for (const range of ranges) {
    if (range.start !== next || lengthOf(range) < 1) return false;
    next = range.end + 1;
  }
  return next === size;
}

test('parts cover any size without gap or overlap, and are never too many', () => {
  fc.assert(
    fc.property(anySize, (size) => cover(planParts(size), size) && planParts(size).length <= MAX_PARTS),
    { numRuns: 50 },
  );
});

test('ranges of a download cover any size, begin where parts do, and none of a round is left over', () => {
  fc.assert(
    fc.property(anySize, fc.integer({ min: 1, max: 20 }), (size, lanes) => {
      const ranges = planRanges(size, lanes);
      const atMost = Math.ceil(size / (32 * 1024 * 1024 * lanes)) * lanes;
      return cover(ranges, size) && ranges.length <= atMost && ranges.every(({ start }) => start % PART_BYTES === 0);
    }),
    { numRuns: 50 },
  );
});

test('a download has as many ranges as lanes while 32 MiB suffice, and parts of the least size before', () => {
  const sizes = (size: number) => planRanges(size, 10).map((range) => lengthOf(range) / PART_BYTES);
  expect(sizes(3 * PART_BYTES)).toEqual([1, 1, 1]);
  expect(sizes(12 * PART_BYTES)).toEqual(Array(6).fill(2));
  expect(sizes(40 * PART_BYTES)).toEqual(Array(10).fill(4));
  expect(sizes(41 * PART_BYTES)).toEqual([...Array(13).fill(3), 2]);
  expect(sizes(0)).toEqual([]);
});

test('parts are 8 MiB while that suffices', () => {
  expect(planParts(2 * PART_BYTES + 1).map(lengthOf)).toEqual([PART_BYTES, PART_BYTES, 1]);
  expect(planParts(PART_BYTES * MAX_PARTS)).toHaveLength(MAX_PARTS);
  expect(planParts(0)).toEqual([]);
});
