import { describe, expect, test } from 'vitest';
import type { JobStatus } from '../../../src/providers/provider.js';
import { type BlockInfo, byBlockNumber, hasFailed } from '../../../src/scaling/block.js';
import { BlockTable } from '../../../src/scaling/block-table.js';
import { manager } from '../../fixtures/scaling/managers.js';

const OPTIONS = { nodesPerBlock: 1, slotsPerNode: 2, connectDeadlineMs: 60_000, jobEndGraceMs: 10_000 };

/** A table with one block that its provider has taken. */
function submitted(options: Partial<typeof OPTIONS> = {}): BlockTable {
  const table = new BlockTable({ ...OPTIONS, ...options });
  table.add(0);
  table.apply('block-0', { kind: 'submitted', jobId: '17' }, 1);
  return table;
}

function connected(): BlockTable {
  const table = submitted();
  table.applyManagers([manager('block-0')], 2);
  return table;
}

const status = (table: BlockTable, state: JobStatus['state'], fields: Partial<JobStatus> = {}, nowMs = 10) =>
  table.applyStatuses([{ jobId: '17', state, ...fields }], nowMs);
const only = (table: BlockTable): BlockInfo => table.infos(10)[0] as BlockInfo;
const stateOf = (table: BlockTable): string => {
  const { state } = only(table);
  return state.kind === 'ended' ? `ended: ${state.reason}` : state.kind;
};

test('blocks are called block-0, block-1, …, and listed by number', () => {
  const table = new BlockTable(OPTIONS);
  for (let count = 0; count < 11; count += 1) table.add(0);
  expect(table.infos(0).map(({ blockId }) => blockId)).toEqual(Array.from({ length: 11 }, (_, n) => `block-${n}`));
  expect([{ blockId: 'block-10' }, { blockId: 'block-9' }].sort(byBlockNumber)[0]?.blockId).toBe('block-9');
});

describe('a block', () => {
  test('is submitting, pending, running, and completed', () => {
    const table = new BlockTable(OPTIONS);
    table.add(0);
    expect(stateOf(table)).toBe('submitting');
    table.apply('block-0', { kind: 'submitted', jobId: '17' }, 1);
    expect(stateOf(table)).toBe('pending');
    status(table, 'running');
    expect(stateOf(table)).toBe('pending');
    table.applyManagers([manager('block-0')], 2);
    expect(stateOf(table)).toBe('running');
    status(table, 'completed', { exitCode: 0 });
    expect(stateOf(table)).toBe('ended: completed');
    expect(hasFailed(only(table))).toBe(false);
  });

  test('has failed with the message of a provider that refused it', () => {
    const table = new BlockTable(OPTIONS);
    table.add(0);
    table.apply('block-0', { kind: 'refused', message: 'no such queue' }, 1);
    expect(only(table).state).toMatchObject({ kind: 'ended', reason: 'failed', message: 'no such queue' });
  });

  test('that ends before a manager has connected has failed, also when its job ended well', () => {
    for (const state of ['completed', 'failed', 'timeout', 'cancelled', 'missing'] as const) {
      const table = submitted();
      status(table, state, { exitCode: 0 });
      expect(hasFailed(only(table))).toBe(true);
    }
  });

  test('keeps what its job wrote and returned', () => {
    const table = submitted();
    status(table, 'failed', { exitCode: 127, stderrTail: 'node: not found', stdoutTail: 'hello' });
    expect(only(table).state).toMatchObject({ exitCode: 127, stderrTail: 'node: not found', stdoutTail: 'hello' });
  });

  test('does not end by an answer that is unknown, however often, but says so', () => {
    const table = submitted();
    status(table, 'unknown', { message: 'sacct: connection refused' });
    status(table, 'unknown', { message: 'sacct: connection refused' });
    expect(only(table)).toMatchObject({ state: { kind: 'pending' }, note: 'sacct: connection refused' });
    status(table, 'running');
    expect(only(table).note).toBeUndefined();
  });

  test('that its provider misses has ended, unless its managers are there', () => {
    const table = connected();
    status(table, 'missing');
    expect(stateOf(table)).toBe('running');
    table.applyManagers([], 11);
    status(table, 'missing');
    expect(stateOf(table)).toBe('ended: missing');
  });
});

describe('a block that is taken in', () => {
  test('is drained where managers are connected, and scaledIn when its job ends, however that ends', () => {
    for (const state of ['completed', 'missing', 'failed'] as const) {
      const table = connected();
      table.apply('block-0', { kind: 'drain' }, 3);
      expect(stateOf(table)).toBe('draining');
      table.applyManagers([], 4);
      status(table, state);
      expect(stateOf(table)).toBe('ended: scaledIn');
      expect(hasFailed(only(table))).toBe(false);
    }
  });

  test('is cancelled where none is, and is scaledIn then, not missing', () => {
    const table = submitted();
    table.apply('block-0', { kind: 'drain' }, 3);
    expect(stateOf(table)).toBe('cancelling');
    status(table, 'missing');
    expect(stateOf(table)).toBe('ended: scaledIn');
  });

  test('while it is submitted keeps the id of its job', () => {
    const table = new BlockTable(OPTIONS);
    table.add(0);
    table.apply('block-0', { kind: 'drain' }, 1);
    table.apply('block-0', { kind: 'submitted', jobId: '17' }, 2);
    expect(only(table)).toMatchObject({ jobId: '17', state: { kind: 'cancelling', reason: 'scaledIn' } });
  });

  test('is cancelled when its job goes on after its managers have left', () => {
    const table = connected();
    table.apply('block-0', { kind: 'drain' }, 3);
    table.applyManagers([], 1_000);
    table.applyDeadlines(10_999);
    expect(stateOf(table)).toBe('draining');
    table.applyDeadlines(11_000);
    expect(stateOf(table)).toBe('cancelling');
  });
});

test('a block whose managers drain by themselves is draining, then drained', () => {
  const table = connected();
  table.applyManagers([manager('block-0', { state: 'draining', usedSlots: 1 })], 3);
  expect(stateOf(table)).toBe('draining');
  table.applyManagers([], 4);
  status(table, 'completed');
  expect(stateOf(table)).toBe('ended: drained');
});

describe('a job that runs while no manager connects', () => {
  test('is given up after the deadline, with what to look at', () => {
    const table = submitted();
    status(table, 'running', {}, 1_000);
    table.applyDeadlines(60_999);
    expect(stateOf(table)).toBe('pending');
    table.applyDeadlines(61_000);
    expect(stateOf(table)).toBe('cancelling');
    status(table, 'cancelled', { stderrTail: 'connect timed out' });
    const { state } = only(table);
    expect(state).toMatchObject({ kind: 'ended', reason: 'failed', stderrTail: 'connect timed out' });
    expect(state.kind === 'ended' && state.message).toMatch(/none of its managers has connected within 60 s.*firewall/);
  });

  test('may wait in its queue for as long as it takes', () => {
    const table = submitted();
    status(table, 'pending');
    expect(table.applyDeadlines(1e9)).toEqual([]);
  });

  test('is given up when it has lost all of its managers for so long', () => {
    const table = connected();
    status(table, 'running', {}, 5);
    table.applyManagers([], 10);
    table.applyDeadlines(60_009);
    expect(stateOf(table)).toBe('running');
    table.applyDeadlines(60_010);
    expect(stateOf(table)).toBe('cancelling');
  });
});

describe('a strategy sees', () => {
  test('the slots that a block is expected to have, until it has some', () => {
    const table = submitted();
    table.add(1);
    expect(table.view(1).map(({ slots }) => slots)).toEqual([2, 2]);
    table.applyManagers([manager('block-0', { slots: 7 })], 2);
    expect(table.view(2).map(({ slots }) => slots)).toEqual([7, 7]);
  });

  test('all nodes of a block while some of its managers are still to come, and what is there after the deadline', () => {
    const table = submitted({ nodesPerBlock: 2 });
    table.applyManagers([manager('block-0', { slots: 3 })], 2);
    expect(table.view(3)[0]?.slots).toBe(4);
    expect(table.view(60_002)[0]?.slots).toBe(3);
  });

  test('no slots where managers are held', () => {
    const table = submitted();
    table.applyManagers([manager('block-0', { state: 'held' })], 2);
    expect(table.view(3)[0]?.slots).toBe(0);
  });

  test('blocks whose managers are gone as pending, and those that are cancelled as draining', () => {
    const table = connected();
    table.add(3);
    table.apply('block-1', { kind: 'drain' }, 4);
    table.applyManagers([], 5);
    expect(table.view(6).map(({ state }) => state)).toEqual(['pending', 'draining']);
  });

  test('how long a block has idled, also while the same report is read again and again', () => {
    const table = submitted();
    const report = [manager('block-0', { connectedForMs: 900, idleForMs: 500 })];
    table.applyManagers(report, 1_000);
    table.applyManagers([...report], 2_000);
    expect(table.view(3_000)[0]?.idleForMs).toBe(2_500);
  });

  test('a block that has just connected, or has a task, as one that does not idle', () => {
    const table = submitted();
    table.applyManagers([manager('block-0', { connectedForMs: 10, idleForMs: 500_000 })], 1_000);
    expect(table.view(1_000)[0]?.idleForMs).toBe(10);
    table.applyManagers([manager('block-0', { outstanding: 1, idleForMs: 0 })], 2_000);
    expect(table.view(9_000)[0]).toMatchObject({ busySlots: 1, idleForMs: 0 });
  });
});

test('a block is reported when its state, job, note or number of managers changes, and only then', () => {
  const table = connected();
  expect(table.applyManagers([manager('block-0', { usedSlots: 2, outstanding: 2 })], 3)).toEqual([]);
  expect(table.applyManagers([manager('block-0', { id: 'a' }), manager('block-0', { id: 'b' })], 4)).toHaveLength(1);
  expect(status(table, 'running')).toEqual([]);
  expect(status(table, 'completed')).toHaveLength(1);
  expect(status(table, 'failed')).toEqual([]);
});

test('managers and jobs that belong to no block here are ignored', () => {
  const table = submitted();
  expect(table.applyManagers([manager('block-77')], 2)).toEqual([]);
  expect(table.applyStatuses([{ jobId: '99', state: 'failed' }], 2)).toEqual([]);
});
