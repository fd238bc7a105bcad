import { describe, expect, test } from 'vitest';
import { manager } from '../../fixtures/scaling/managers.js';
import { Supervised } from '../../fixtures/scaling/supervised.js';

const MINUTE_MS = 60_000;

function started(...args: ConstructorParameters<typeof Supervised>): Supervised {
  const world = new Supervised(...args);
  world.supervisor.start();
  return world;
}

describe('blocks are started', () => {
  test('initBlocks of them at once, by every strategy', async () => {
    for (const strategy of ['none', 'simple', 'htex-auto-scale'] as const) {
      const world = started({ initBlocks: 3 }, { strategy });
      await world.clock.pass(0);
      expect(world.provider.submitted).toEqual(['block-0', 'block-1', 'block-2']);
    }
  });

  test('for the first task at once, without waiting for a period', async () => {
    const world = started();
    await world.clock.pass(1_000);
    world.demand(1);
    await world.clock.pass(0);
    expect(world.states).toEqual(['block-0 pending']);
  });

  test('only one for one task, however often anyone asks and however long it takes to come', async () => {
    const world = started();
    world.demand(1);
    for (let count = 0; count < 100; count += 1) {
      world.supervisor.poke();
      await world.clock.pass(1_000);
    }
    expect(world.provider.submitted).toEqual(['block-0']);
  });

  test('one also where the parallelism is 0', async () => {
    const world = started({ parallelism: 0 });
    world.demand(500);
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.submitted).toEqual(['block-0']);
  });

  test('up to minBlocks without any task, and anew for one that is lost', async () => {
    const world = started({ minBlocks: 2 });
    await world.clock.pass(0);
    world.comesUp('block-0');
    world.comesUp('block-1');
    await world.clock.pass(MINUTE_MS);
    world.goes('block-0', { state: 'failed', exitCode: 1 });
    await world.clock.pass(1_000);
    expect(world.states).toEqual(['block-0 failed', 'block-1 running', 'block-2 pending']);
  });

  test('none any more once the executor is leaving, though those that end are seen', async () => {
    const world = started({ minBlocks: 2 });
    await world.clock.pass(0);
    world.comesUp('block-0');
    world.comesUp('block-1');
    await world.clock.pass(MINUTE_MS);
    world.supervisor.leave();
    world.demand(100);
    world.goes('block-0', { state: 'completed', exitCode: 0 });
    await world.clock.pass(MINUTE_MS);
    expect(world.states).toEqual(['block-0 completed', 'block-1 running']);
    const closed = world.supervisor.close({ graceMs: MINUTE_MS });
    await world.clock.pass(0);
    world.goes('block-1', { state: 'cancelled' });
    await world.clock.pass(MINUTE_MS);
    await closed;
  });

  test('never more than maxBlocks, draining ones included', async () => {
    const world = started({ maxBlocks: 2 });
    world.demand(1_000);
    await world.clock.pass(0);
    world.comesUp('block-0', { usedSlots: 4 });
    await world.supervisor.scaleIn(['block-0']);
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.submitted).toEqual(['block-0', 'block-1']);
    expect(await world.supervisor.scaleOut(5)).toEqual([]);
  });

  test('no faster than the limits of submission allow', async () => {
    const world = started({ initBlocks: 30, maxBlocks: 30 }, { submitLimits: { perSecond: 5, perMinute: 12 } });
    await world.clock.pass(999);
    expect(world.provider.submitted).toHaveLength(5);
    await world.clock.pass(1);
    expect(world.provider.submitted).toHaveLength(10);
    await world.clock.pass(58_999);
    expect(world.provider.submitted).toHaveLength(12);
    await world.clock.pass(1_500);
    expect(world.provider.submitted).toHaveLength(22);
  });
});

describe('idle blocks', () => {
  test('are drained after maxIdleMs, end by themselves, and count as scaled in', async () => {
    const world = started({ initBlocks: 1 });
    await world.clock.pass(0);
    world.comesUp('block-0');
    await world.clock.pass(119_000);
    expect(world.drained).toEqual([]);
    await world.clock.pass(6_000);
    expect(world.drained).toEqual(['block-0']);
    world.goes('block-0', { state: 'completed', exitCode: 0 });
    await world.clock.pass(1_000);
    expect(world.states).toEqual(['block-0 scaledIn']);
    expect(world.provider.cancelled).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  test('are taken in while others work, down to the busy one, and then down to minBlocks', async () => {
    const world = started({ initBlocks: 3, minBlocks: 1 });
    world.demand(1);
    await world.clock.pass(0);
    world.comesUp('block-0');
    world.comesUp('block-1', { usedSlots: 1 });
    world.comesUp('block-2');
    await world.clock.pass(3 * MINUTE_MS);
    expect(world.drained).toEqual(expect.arrayContaining(['block-0', 'block-2']));
    expect(world.drained).not.toContain('block-1');
    world.goes('block-0', { state: 'completed' });
    world.goes('block-2', { state: 'completed' });
    world.demand(0);
    world.comesUp('block-1');
    await world.clock.pass(60 * MINUTE_MS);
    expect(world.states).toEqual(['block-0 scaledIn', 'block-1 running', 'block-2 scaledIn']);
  });

  test('that have not connected are cancelled, and are scaled in, not missing', async () => {
    const world = started({ initBlocks: 1 });
    await world.clock.pass(2 * MINUTE_MS + 5_000);
    expect(world.provider.cancelled).toEqual(['job-of-block-0']);
    world.provider.jobs.clear();
    await world.clock.pass(10_000);
    expect(world.states).toEqual(['block-0 scaledIn']);
    expect(world.failures).toEqual([]);
  });

  test('stay while one task follows the other', async () => {
    const world = started({ initBlocks: 1 });
    await world.clock.pass(0);
    for (let count = 0; count < 300; count += 1) {
      world.demand(1);
      world.comesUp('block-0', { usedSlots: 1 });
      await world.clock.pass(1_000);
      world.demand(0);
      world.comesUp('block-0');
      await world.clock.pass(1_000);
    }
    expect(world.drained).toEqual([]);
    expect(world.provider.submitted).toEqual(['block-0']);
  });
});

test('many slots a block and tasks that come and go set no blocks swinging', async () => {
  const world = started({ maxBlocks: 5 });
  world.demand(70);
  await world.clock.pass(100);
  for (const blockId of [...world.provider.submitted]) world.comesUp(blockId, { slots: 64, usedSlots: 14 });
  const before = world.provider.submitted.length;
  for (let count = 0; count < 200; count += 1) {
    world.demand(count % 2 === 0 ? 60 : 70);
    await world.clock.pass(2_000);
  }
  expect(world.provider.submitted).toHaveLength(before);
  expect(world.drained).toEqual([]);
});

describe('blocks that cannot start', () => {
  test('fail what waits with what they wrote, and no more are submitted for nobody', async () => {
    const world = started({ initBlocks: 1, minBlocks: 1 });
    world.demand(1);
    await world.clock.pass(0);
    world.goes('block-0', { state: 'failed', exitCode: 127, stderrTail: 'sh: node: not found' });
    await world.clock.pass(200);
    expect(world.failures).toHaveLength(1);
    expect(world.failures[0]).toMatchObject({ code: 'BLOCKS_FAILED', class: 'usage' });
    expect(world.failures[0]?.message).toContain('sh: node: not found');
    world.demand(0);
    await world.clock.pass(60 * MINUTE_MS);
    expect(world.provider.submitted).toEqual(['block-0']);
  });

  test('are tried again, one at a time and ever more rarely, for tasks that come later', async () => {
    const world = started({ minBlocks: 2, initBlocks: 1 }, { errorHandler: 'windowed' });
    world.provider.troubles.submit = 'sbatch: invalid partition';
    world.demand(100);
    await world.clock.pass(9_000);
    const first = world.provider.submitted.length;
    expect(world.failures).toHaveLength(1);
    expect(world.failures[0]?.message).toContain('sbatch: invalid partition');
    await world.clock.pass(60 * MINUTE_MS);
    const later = world.provider.submitted.length - first;
    expect(later).toBeGreaterThan(5);
    expect(later).toBeLessThan(15);
    expect(world.failures).toHaveLength(1 + later);
  });

  test('are forgotten once one works', async () => {
    const world = started({ initBlocks: 1 });
    world.demand(9);
    await world.clock.pass(100);
    for (const blockId of [...world.provider.submitted]) world.goes(blockId, { state: 'failed' });
    await world.clock.pass(MINUTE_MS);
    const trial = world.provider.submitted.at(-1) as string;
    expect(world.states.filter((state) => state.endsWith('pending'))).toEqual([`${trial} pending`]);
    world.comesUp(trial, { usedSlots: 4 });
    await world.clock.pass(11_000);
    expect(world.states.filter((state) => state.endsWith('pending'))).toHaveLength(2);
  });

  test('pause submission also when they connect and die at once', async () => {
    const world = started({}, { errorHandler: 'none' });
    world.demand(4);
    for (let count = 0; count < 3; count += 1) {
      await world.clock.pass(1_000);
      const blockId = world.provider.submitted.at(-1) as string;
      world.comesUp(blockId);
      await world.clock.pass(1_000);
      world.goes(blockId, { state: 'completed' });
      await world.clock.pass(0);
    }
    await world.clock.pass(8_000);
    expect(world.provider.submitted).toHaveLength(3);
    await world.clock.pass(4_000);
    expect(world.provider.submitted).toHaveLength(4);
  });

  test('are those whose job runs while nobody connects, too', async () => {
    const world = started({ initBlocks: 1 });
    world.demand(1);
    await world.clock.pass(0);
    world.provider.set('block-0', { state: 'running' });
    world.provider.tell();
    await world.clock.pass(2 * MINUTE_MS);
    expect(world.provider.cancelled).toEqual(['job-of-block-0']);
    expect(world.failures[0]?.message).toMatch(/none of its managers has connected within 60 s/);
  });

  test('do not keep tasks waiting for ever where the strategy starts no more', async () => {
    const world = started({ initBlocks: 1 }, { strategy: 'none', errorHandler: 'none' });
    world.demand(1);
    await world.clock.pass(0);
    world.goes('block-0', { state: 'failed', stderrTail: 'disk full' });
    await world.clock.pass(2 * MINUTE_MS);
    expect(world.failures[0]?.message).toMatch(/no block is left(.|\n)*disk full/);
  });

  test('are asked for again when their job cannot be cancelled at first', async () => {
    const world = started({ initBlocks: 1 });
    world.provider.troubles.cancel = 'scancel: try later';
    await world.clock.pass(3 * MINUTE_MS);
    expect(world.supervisor.blocks()[0]?.note).toContain('scancel: try later');
    delete world.provider.troubles.cancel;
    await world.clock.pass(MINUTE_MS);
    expect(world.states).toEqual(['block-0 scaledIn']);
  });

  test('are judged by a function of the user, whose own error is passed on', async () => {
    const world = started(
      { initBlocks: 1 },
      {
        errorHandler: ({ blocks }) => {
          throw new Error(`cannot judge ${blocks.length}`);
        },
      },
    );
    await world.clock.pass(0);
    world.goes('block-0', { state: 'failed' });
    await world.clock.pass(100);
    expect(world.failures[0]).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(world.failures[0]?.message).toContain('cannot judge 1');
  });
});

describe('a strategy of the user', () => {
  test('is asked as the built-in ones are, and kept within the limits', async () => {
    const world = started({ maxBlocks: 2 }, { strategy: () => ({ out: 1_000.7, in: [] }) });
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.submitted).toEqual(['block-0', 'block-1']);
  });

  test('takes in no block that has tasks', async () => {
    const world = started(
      { initBlocks: 2 },
      { strategy: ({ blocks }) => ({ out: 0, in: blocks.map(({ blockId }) => blockId) }) },
    );
    world.comesUp('block-0', { usedSlots: 1 });
    world.comesUp('block-1');
    await world.clock.pass(MINUTE_MS);
    expect(new Set(world.drained)).toEqual(new Set(['block-1']));
    expect(world.provider.cancelled).toEqual([]);
  });

  test('that throws fails what waits, naming it, now and again', async () => {
    const world = started(
      {},
      {
        strategy: () => {
          throw new Error('out of ideas');
        },
      },
    );
    world.demand(1);
    await world.clock.pass(MINUTE_MS);
    expect(world.failures[0]?.message).toBe("the scaling strategy of provider 'scripted' threw: out of ideas");
    expect(world.failures.length).toBeGreaterThan(1);
    expect(world.failures.length).toBeLessThan(5);
  });
});

describe('the provider is asked for statuses', () => {
  test('only while there are jobs, as often as it allows, and for all of them at once', async () => {
    const world = started({ initBlocks: 2 });
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.asked).toHaveLength(12);
    expect(world.provider.asked[0]).toEqual(['job-of-block-0', 'job-of-block-1']);
    for (const blockId of ['block-0', 'block-1']) world.provider.set(blockId, { state: 'completed' });
    await world.clock.pass(10 * MINUTE_MS);
    expect(world.provider.asked).toHaveLength(13);
    expect(world.clock.pending).toBe(0);
  });

  test('at once when it says that something changed', async () => {
    const world = started({ initBlocks: 1 });
    await world.clock.pass(100);
    world.goes('block-0', { state: 'failed' });
    await world.clock.pass(0);
    expect(world.states).toEqual(['block-0 failed']);
  });

  test('and nothing ends because it has no answer', async () => {
    const world = started({ initBlocks: 1 });
    world.demand(1);
    world.provider.troubles.status = 'sacct: broken';
    await world.clock.pass(10 * MINUTE_MS);
    expect(world.states).toEqual(['block-0 pending']);
    expect(world.supervisor.blocks()[0]?.note).toContain('sacct: broken');
    expect(world.reported.filter(({ note }) => note !== undefined)).toHaveLength(1);
  });
});

describe('by hand', () => {
  test('blocks are started beyond what is wanted, also past a burst', async () => {
    const world = started({ maxBlocks: 20 });
    const ids = world.supervisor.scaleOut(12);
    await world.clock.pass(1_000);
    expect(await ids).toHaveLength(12);
  });

  test('only blocks that the provider took are named', async () => {
    const world = started({ initBlocks: 0 }, { errorHandler: 'none' });
    world.provider.troubles.submit = 'no';
    const ids = world.supervisor.scaleOut(2);
    await world.clock.pass(0);
    expect(await ids).toEqual([]);
  });

  test('blocks with tasks are drained, and cancelled only if their job outlives their managers', async () => {
    const world = started({ initBlocks: 1 });
    world.demand(1);
    world.comesUp('block-0', { usedSlots: 1 });
    await world.clock.pass(100);
    await world.supervisor.scaleIn(['block-0', 'block-99']);
    expect(world.drained).toEqual(['block-0']);
    world.connect(manager('block-0', { usedSlots: 1, state: 'draining' }));
    await world.clock.pass(60 * MINUTE_MS);
    expect(world.drained).toEqual(['block-0']);
    expect(world.provider.cancelled).toEqual([]);
    world.connect();
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.cancelled).toEqual(['job-of-block-0']);
  });
});

describe('close', () => {
  test('cancels every job, pending, running and draining, and leaves no timer', async () => {
    const world = started({ initBlocks: 3 });
    await world.clock.pass(0);
    world.comesUp('block-0', { usedSlots: 1 });
    world.comesUp('block-1');
    await world.clock.pass(100);
    await world.supervisor.scaleIn(['block-1']);
    const closed = world.supervisor.close({ graceMs: 10_000 });
    await world.clock.pass(1_000);
    await closed;
    expect(world.provider.cancelled.toSorted()).toEqual(['job-of-block-0', 'job-of-block-1', 'job-of-block-2']);
    expect(world.states).toEqual(['block-0 cancelled', 'block-1 cancelled', 'block-2 cancelled']);
    expect(world.clock.pending).toBe(0);
  });

  test('cancels a job that its provider takes only then', async () => {
    const world = new Supervised({ initBlocks: 1 });
    let open = (): void => {};
    world.provider.gate = new Promise((resolve) => {
      open = resolve;
    });
    world.supervisor.start();
    await world.clock.pass(100);
    const closed = world.supervisor.close({ graceMs: 10_000 });
    await world.clock.pass(1_000);
    expect(world.provider.cancelled).toEqual([]);
    open();
    await world.clock.pass(1_000);
    await closed;
    expect(world.provider.cancelled).toEqual(['job-of-block-0']);
  });

  test('cancels a job that comes after everything is closed', async () => {
    const world = new Supervised({ initBlocks: 1 });
    let open = (): void => {};
    world.provider.gate = new Promise((resolve) => {
      open = resolve;
    });
    world.supervisor.start();
    const closed = world.supervisor.close({ graceMs: 1_000 });
    const failure = closed.catch((error: unknown) => error);
    await world.clock.pass(1_000);
    expect(String(await failure)).toContain('block-0 (being submitted)');
    open();
    await world.clock.pass(0);
    expect(world.provider.cancelled).toEqual(['job-of-block-0']);
    expect(world.clock.pending).toBe(0);
  });

  test('is bounded, and names what is not known to have ended', async () => {
    const world = started({ initBlocks: 1 });
    await world.clock.pass(0);
    world.provider.troubles.cancel = 'scancel: not permitted';
    const failure = world.supervisor.close({ graceMs: 10_000 }).catch((error: unknown) => error);
    await world.clock.pass(10_000);
    expect(await failure).toMatchObject({ code: 'COMMAND_FAILED' });
    expect(String(await failure)).toMatch(/after 10 s(.|\n)*block-0 \(job job-of-block-0\).*scancel: not permitted/);
    expect(world.clock.pending).toBe(0);
  });

  test('may be called twice, before any start, and ends all that was asked', async () => {
    const idle = new Supervised();
    await idle.supervisor.close({ graceMs: 0 });
    const world = started({ initBlocks: 1 });
    await world.clock.pass(0);
    const both = [world.supervisor.close({ graceMs: 1_000 }), world.supervisor.close({ graceMs: 1_000 })];
    await world.clock.pass(1_000);
    await Promise.all(both);
    world.demand(5);
    await world.clock.pass(MINUTE_MS);
    expect(world.provider.submitted).toEqual(['block-0']);
    expect(await world.supervisor.scaleOut(1)).toEqual([]);
  });
});

test('a call that takes too long is given up: a submission counts as a block that failed, and its job is cancelled', async () => {
  const world = new Supervised({ initBlocks: 1 }, { callDeadlineMs: 30_000 });
  let open = (): void => {};
  world.provider.gate = new Promise((resolve) => {
    open = resolve;
  });
  world.supervisor.start();
  await world.clock.pass(31_000);
  expect(world.states).toEqual(['block-0 failed']);
  expect(world.failures[0]?.message).toContain("'submit' of provider 'scripted' did not answer within 30 s");
  open();
  await world.clock.pass(0);
  expect(world.provider.cancelled).toEqual(['job-of-block-0']);
});

test('every change of a block is reported', async () => {
  const world = started({ initBlocks: 1 });
  await world.clock.pass(0);
  world.comesUp('block-0');
  await world.clock.pass(100);
  world.goes('block-0', { state: 'timeout' });
  await world.clock.pass(100);
  expect(world.reported.map(({ state, managers }) => [state.kind, managers])).toEqual([
    ['submitting', 0],
    ['pending', 0],
    ['running', 1],
    ['running', 0],
    ['ended', 0],
  ]);
});
