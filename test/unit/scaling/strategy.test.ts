import { describe, expect, test } from 'vitest';
import {
  type ScalingBlock,
  type ScalingLimits,
  type ScalingView,
  STRATEGIES,
  type StrategyName,
} from '../../../src/scaling/strategy.js';

const LIMITS: ScalingLimits = { initBlocks: 1, minBlocks: 0, maxBlocks: 10, parallelism: 1, nodesPerBlock: 1 };

function view(fields: Partial<Omit<ScalingView, 'limits'>> & { limits?: Partial<ScalingLimits> } = {}): ScalingView {
  const { limits, ...rest } = fields;
  const { outstandingSlots = 0 } = rest;
  return {
    outstandingSlots,
    peakSlots: outstandingSlots,
    blocks: [],
    slotsPerBlock: 4,
    maxIdleMs: 120_000,
    nowMs: 0,
    ...rest,
    limits: { ...LIMITS, ...limits },
  };
}

const running = (number: number, fields: Partial<ScalingBlock> = {}): ScalingBlock => ({
  blockId: `block-${number}`,
  state: 'running',
  slots: 4,
  busySlots: 0,
  idleForMs: 0,
  ...fields,
});
const busy = (number: number, busySlots = 4) => running(number, { busySlots });
const idle = (number: number, idleForMs = 120_000) => running(number, { idleForMs });
const pending = (number: number, idleForMs = 0) => running(number, { state: 'pending', idleForMs });
const draining = (number: number, busySlots = 4) => running(number, { state: 'draining', busySlots });

const BY_DEMAND: readonly StrategyName[] = ['simple', 'htex-auto-scale'];
const ALL: readonly StrategyName[] = ['none', ...BY_DEMAND];

describe.each(BY_DEMAND)('%s scales out', (name) => {
  const out = (fields: Parameters<typeof view>[0]) => STRATEGIES[name](view(fields)).out;

  test('one block for one task', () => {
    expect(out({ outstandingSlots: 1 })).toBe(1);
    expect(out({ outstandingSlots: 1, blocks: [pending(0)] })).toBe(0);
  });

  test('a slot for each task, in whole blocks', () => {
    expect(out({ outstandingSlots: 8 })).toBe(2);
    expect(out({ outstandingSlots: 9 })).toBe(3);
    expect(out({ outstandingSlots: 9, blocks: [busy(0), pending(1)] })).toBe(1);
  });

  test('less where the parallelism is less', () => {
    expect(out({ outstandingSlots: 40, limits: { parallelism: 0.5 } })).toBe(5);
    expect(out({ outstandingSlots: 30, limits: { parallelism: 0.1 }, slotsPerBlock: 3 })).toBe(1);
  });

  test('one block for any number of tasks where the parallelism is 0', () => {
    expect(out({ outstandingSlots: 100, limits: { parallelism: 0 } })).toBe(1);
    expect(out({ outstandingSlots: 100, limits: { parallelism: 0 }, blocks: [pending(0)] })).toBe(0);
  });

  test('one block where all that there are take no tasks', () => {
    expect(out({ outstandingSlots: 1, limits: { parallelism: 0 }, blocks: [running(0, { slots: 0 })] })).toBe(1);
  });

  test('nothing for tasks that draining blocks still finish', () => {
    expect(out({ outstandingSlots: 4, blocks: [draining(0)] })).toBe(0);
    expect(out({ outstandingSlots: 5, blocks: [draining(0)] })).toBe(1);
  });
});

describe.each(ALL)('%s keeps to the limits', (name) => {
  const out = (fields: Parameters<typeof view>[0]) => STRATEGIES[name](view(fields)).out;

  test('it grows to minBlocks without any task, and again after a loss', () => {
    expect(out({ limits: { minBlocks: 3 } })).toBe(3);
    expect(out({ limits: { minBlocks: 3 }, blocks: [idle(0), pending(2)] })).toBe(1);
  });

  test('it counts pending, running and draining blocks towards maxBlocks', () => {
    const blocks = [busy(0), pending(1), draining(2)];
    expect(out({ outstandingSlots: 1_000, limits: { maxBlocks: 4, minBlocks: 4 }, blocks })).toBe(1);
    expect(out({ outstandingSlots: 1_000, limits: { maxBlocks: 3, minBlocks: 3 }, blocks })).toBe(0);
    expect(out({ outstandingSlots: 1_000, limits: { maxBlocks: 2, minBlocks: 2 }, blocks })).toBe(0);
  });
});

test('none adds nothing for tasks, and takes nothing in', () => {
  expect(STRATEGIES.none(view({ outstandingSlots: 100 }))).toEqual({ out: 0, in: [] });
  expect(STRATEGIES.none(view({ blocks: [idle(0), idle(1)] }))).toEqual({ out: 0, in: [] });
});

describe.each(BY_DEMAND)('%s scales in', (name) => {
  const taken = (fields: Parameters<typeof view>[0]) => STRATEGIES[name](view(fields)).in;

  test('down to minBlocks once there has been no task for long enough', () => {
    expect(taken({ blocks: [idle(0), idle(1)] })).toEqual(['block-0', 'block-1']);
    expect(taken({ blocks: [idle(0), idle(1)], limits: { minBlocks: 1 } })).toEqual(['block-0']);
    expect(taken({ blocks: [idle(0, 119_999), idle(1, 0)] })).toEqual([]);
  });

  test('pending blocks first, the newest before the others, then those that idle longest', () => {
    const blocks = [idle(0, 130_000), idle(1, 150_000), pending(2, 200_000), pending(3, 190_000)];
    expect(taken({ blocks })).toEqual(['block-3', 'block-2', 'block-1', 'block-0']);
    expect(taken({ blocks, limits: { minBlocks: 1 } })).toEqual(['block-3', 'block-2', 'block-1']);
  });

  test('no block that was just started, and none that is connected in its stead', () => {
    expect(taken({ blocks: [idle(0), pending(1, 500)] })).toEqual([]);
  });

  test('nothing where there were enough tasks a moment ago', () => {
    expect(taken({ blocks: [pending(0, 500_000), idle(1)], peakSlots: 8 })).toEqual([]);
  });
});

describe('while some blocks work', () => {
  const blocks = [busy(0, 1), idle(1), idle(2)];

  test('simple keeps all of them', () => {
    expect(STRATEGIES.simple(view({ outstandingSlots: 1, blocks })).in).toEqual([]);
  });

  test('htex-auto-scale shrinks to what is busy', () => {
    expect(STRATEGIES['htex-auto-scale'](view({ outstandingSlots: 1, blocks })).in).toEqual(['block-1', 'block-2']);
  });

  test('htex-auto-scale keeps minBlocks, and the slots that tasks need', () => {
    const auto = STRATEGIES['htex-auto-scale'];
    expect(auto(view({ outstandingSlots: 1, blocks, limits: { minBlocks: 2 } })).in).toEqual(['block-1']);
    expect(auto(view({ outstandingSlots: 5, blocks })).in).toEqual(['block-1']);
    expect(auto(view({ outstandingSlots: 9, blocks })).in).toEqual([]);
  });

  test('htex-auto-scale keeps blocks that have tasks, however few and however little patience there is', () => {
    const auto = STRATEGIES['htex-auto-scale'];
    expect(auto(view({ outstandingSlots: 1, blocks, maxIdleMs: 0 })).in).not.toContain('block-0');
    expect(auto(view({ outstandingSlots: 0, blocks, maxIdleMs: 0 })).in).not.toContain('block-0');
    expect(auto(view({ outstandingSlots: 3, blocks: [busy(0, 1), busy(1, 1), busy(2, 1)] })).in).toEqual([]);
  });
});
