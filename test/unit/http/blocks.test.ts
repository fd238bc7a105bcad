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

test('what is less than a block is as long as it is', () => {
  expect(takeBlock(BLOCK_BYTES - 1)).toHaveLength(BLOCK_BYTES - 1);
  expect(takeBlock(0)).toHaveLength(0);
});

test('what is no block stays with whoever has it', () => {
  const own = Buffer.alloc(BLOCK_BYTES, 'x');
  releaseBlock(own);
  const taken = [takeBlock(BLOCK_BYTES), takeBlock(BLOCK_BYTES), takeBlock(BLOCK_BYTES)];
  expect(taken.map(({ buffer }) => buffer)).not.toContain(own.buffer);
});
