import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES, releaseBlock, takeBlock } from '../../../src/http/blocks.js';

test('a block that was released is filled again, once', () => {
  const block = takeBlock(5 * BLOCK_BYTES);
  expect(block.length).toBe(BLOCK_BYTES);
  releaseBlock(block);
  releaseBlock(block);
  const [again, other] = [takeBlock(BLOCK_BYTES), takeBlock(BLOCK_BYTES)];
  expect(again.buffer).toBe(block.buffer);
  expect(other.buffer).not.toBe(block.buffer);
});

test('one is as long as what is to come, and nobody else has its memory', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2 * BLOCK_BYTES), fc.boolean()), { maxLength: 60 }), (asked) => {
      const held = new Map<ArrayBufferLike, [start: number, end: number][]>();
      for (const [bytes, isReleased] of asked) {
        const block = takeBlock(bytes);
        expect(block).toHaveLength(Math.min(bytes, BLOCK_BYTES));
        const [start, end] = [block.byteOffset, block.byteOffset + block.length];
        const others = held.get(block.buffer) ?? [];
        expect(others.every(([from, to]) => end <= from || to <= start)).toBe(true);
        if (isReleased) releaseBlock(block);
        else if (bytes > 0) held.set(block.buffer, [...others, [start, end]]);
      }
    }),
    { numRuns: 30 },
  );
});

test('what is no block stays with whoever has it', () => {
  const own = Buffer.alloc(BLOCK_BYTES, 'x');
  releaseBlock(own);
  const taken = [takeBlock(BLOCK_BYTES), takeBlock(BLOCK_BYTES), takeBlock(BLOCK_BYTES)];
  expect(taken.map(({ buffer }) => buffer)).not.toContain(own.buffer);
});
