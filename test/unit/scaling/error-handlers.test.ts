import { describe, expect, test } from 'vitest';
import type { BlockInfo, BlockState } from '../../../src/scaling/block.js';
import {
  type BlockHistory,
  noErrorHandler,
  simpleErrorHandler,
  windowedErrorHandler,
} from '../../../src/scaling/error-handlers.js';
import { blocksFailed } from '../../../src/scaling/failure-message.js';

function block(number: number, state: BlockState, fields: Partial<BlockInfo> = {}): BlockInfo {
  return {
    blockId: `block-${number}`,
    jobId: `${100 + number}`,
    state,
    managers: 0,
    slots: 0,
    busySlots: 0,
    wasBusy: false,
    idleForMs: 0,
    createdAtMs: 0,
    ...fields,
  };
}

type Ended = BlockState & { kind: 'ended' };
const ended = (number: number, fields: Partial<Ended> = {}, info: Partial<BlockInfo> = {}) =>
  block(number, { kind: 'ended', reason: 'failed', atMs: 0, ...fields }, info);
const pending = (number: number) => block(number, { kind: 'pending' });
const working = (number: number) => block(number, { kind: 'running' }, { managers: 1, connectedAtMs: 0 });

function history(blocks: readonly BlockInfo[], fields: Partial<BlockHistory> = {}): BlockHistory {
  const everWorked = blocks.some(({ connectedAtMs }) => connectedAtMs !== undefined);
  return { provider: 'slurm', initBlocks: 1, everWorked, blocks, ...fields };
}

test('none never gives up', () => {
  expect(noErrorHandler(history([ended(0), ended(1), ended(2), ended(3)]))).toBeUndefined();
});

describe('simple', () => {
  test('gives up when every block has failed, and there were as many as at the start', () => {
    expect(simpleErrorHandler(history([ended(0)]))?.code).toBe('BLOCKS_FAILED');
    expect(simpleErrorHandler(history([ended(0)], { initBlocks: 0 }))?.code).toBe('BLOCKS_FAILED');
    expect(simpleErrorHandler(history([ended(0)], { initBlocks: 2 }))).toBeUndefined();
    expect(simpleErrorHandler(history([ended(0), ended(1, { reason: 'missing' })], { initBlocks: 2 }))).toBeDefined();
  });

  test('goes on while one may still come, and once one has ever worked', () => {
    expect(simpleErrorHandler(history([ended(0), pending(1)]))).toBeUndefined();
    expect(simpleErrorHandler(history([ended(0), ended(1)], { everWorked: true }))).toBeUndefined();
  });

  test('does not count blocks that were taken in before they had worked', () => {
    expect(simpleErrorHandler(history([ended(0, { reason: 'scaledIn' }), ended(1)]))?.code).toBe('BLOCKS_FAILED');
    expect(simpleErrorHandler(history([ended(0, { reason: 'scaledIn' })]))).toBeUndefined();
  });
});

describe('windowed', () => {
  const windowed = windowedErrorHandler();

  test('gives up when the last 3 have failed, whatever was before', () => {
    const fine = ended(0, { reason: 'completed' }, { connectedAtMs: 0 });
    expect(windowed(history([fine, ended(1), ended(2)]))).toBeUndefined();
    expect(windowed(history([fine, ended(1), ended(2), ended(3)]))?.code).toBe('BLOCKS_FAILED');
  });

  test('goes on while one of the last 3 may still come', () => {
    expect(windowed(history([ended(0), ended(1), ended(2), pending(3)]))).toBeUndefined();
  });

  test('goes on while another block works', () => {
    expect(windowed(history([working(0), ended(1), ended(2), ended(3)]))).toBeUndefined();
  });

  test('looks at as many as it is told', () => {
    const four = windowedErrorHandler({ threshold: 4 });
    expect(four(history([ended(0), ended(1), ended(2)]))).toBeUndefined();
    expect(four(history([ended(0), ended(1), ended(2), ended(3)]))?.code).toBe('BLOCKS_FAILED');
  });
});

describe('the error says', () => {
  const messageFor = (...blocks: BlockInfo[]) => blocksFailed('all failed', blocks, 'slurm').message;

  test('of each block its job, how it ended, its exit code and the last lines of its stderr', () => {
    const message = messageFor(ended(0, { exitCode: 2, stderrTail: 'starting\nno such account: abc\n' }));
    expect(message).toContain("provider 'slurm': all failed");
    expect(message).toContain('block-0 (job 100): failed, exit code 2');
    expect(message).toContain('  | starting\n  | no such account: abc');
  });

  test('the same only once, with the blocks by number', () => {
    const state = { exitCode: 1, stderrTail: 'disk full' };
    const message = messageFor(ended(10, state), ended(9, state), ended(2, { ...state, stderrTail: 'other' }));
    expect(message.match(/disk full/g)).toHaveLength(1);
    expect(message).toContain('block-9 (job 109), block-10 (job 110): failed, exit code 1');
    expect(message.indexOf('block-2')).toBeLessThan(message.indexOf('block-9'));
  });

  test('what went to stdout where there is nothing on stderr', () => {
    expect(messageFor(ended(0, { stderrTail: ' \n', stdoutTail: 'see /var/log' }))).toContain('  | see /var/log');
    expect(messageFor(ended(0))).toContain('(nothing on stderr)');
  });

  test('no more than the last lines, and not every kind of failure there is', () => {
    const long = Array.from({ length: 500 }, (_, line) => `line ${line}`).join('\n');
    const many = Array.from({ length: 50 }, (_, number) => ended(number, { stderrTail: `${long} of ${number}` }));
    const message = messageFor(...many);
    expect(message.split('\n').length).toBeLessThan(60);
    expect(message).toContain('line 499');
    expect(message).toContain('and 46 that failed in other ways');
  });

  test('what to do about it', () => {
    expect(messageFor(ended(0, { exitCode: 127 }))).toMatch(/PATH/);
    expect(messageFor(ended(0, { exitCode: 1 }))).toMatch(/blocks\//);
    const { jobId: _none, ...refused } = ended(0, { message: 'sbatch: invalid partition' });
    const message = messageFor(refused);
    expect(message).toContain('block-0 (no job): failed: sbatch: invalid partition');
    expect(message).toMatch(/queue, account, limits/);
  });
});
