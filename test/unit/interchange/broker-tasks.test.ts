import { describe, expect, test } from 'vitest';
import { BrokerRun, outcome, task } from './broker-run.js';

describe('tasks and credit', () => {
  test('a manager gets as many tasks as it has slots and prefetch, and the next when one ends', () => {
    const run = new BrokerRun().hello().register({ slots: 2, prefetch: 1 });
    run.submit(...[1, 2, 3, 4, 5].map((key) => task(key)));
    expect(run.keysAt('m1')).toEqual([1, 2, 3]);
    run.finish('m1', 2);
    expect(run.keysAt('m1')).toEqual([1, 2, 3, 4]);
    expect(run.results()).toEqual(['2 outcome']);
  });

  test('a manager that wants more gets more, and one that wants fewer none until it has fewer', () => {
    const run = new BrokerRun().hello().register({ slots: 1 });
    run.submit(...[1, 2, 3, 4, 5].map((key) => task(key)));
    expect(run.keysAt('m1')).toEqual([1]);
    run.manager('m1', { kind: 'prefetch', tasks: 2 });
    expect(run.keysAt('m1')).toEqual([1, 2, 3]);
    run.manager('m1', { kind: 'prefetch', tasks: 0 });
    run.finish('m1', 1);
    run.finish('m1', 2);
    expect(run.keysAt('m1')).toEqual([1, 2, 3]);
    run.finish('m1', 3);
    expect(run.keysAt('m1')).toEqual([1, 2, 3, 4]);
  });

  test('what a manager gives back goes to another before what came later, unless it was cancelled meanwhile', () => {
    const run = new BrokerRun().hello().register({ slots: 1, prefetch: 3 });
    const tasks = [1, 2, 3, 4].map((key) => task(key));
    run.submit(...tasks, task(5));
    expect(run.keysAt('m1')).toEqual([1, 2, 3, 4]);
    run.manager('m1', { kind: 'prefetch', tasks: 0 });
    run.client({ kind: 'cancel', keys: [3] });
    run.manager('m1', { kind: 'returned', tasks: tasks.slice(1) });
    run.register({ id: 'm2', slots: 8 });
    expect(run.keysAt('m2')).toEqual([2, 4, 5]);
    run.finish('m1', 1);
    for (const key of [2, 4, 5]) run.finish('m2', key);
    expect(run.results()).toEqual(['1 outcome', '2 outcome', '4 outcome', '5 outcome']);
  });

  test('tasks that came before any manager wait for one', () => {
    const run = new BrokerRun().hello().submit(task(1), task(2));
    run.register();
    expect(run.keysAt('m1')).toEqual([1, 2]);
  });

  test('the lowest priority goes first, and among equals the first', () => {
    const run = new BrokerRun().hello();
    run.submit(task(1, { priority: 5 }), task(2, { priority: 1 }), task(3, { priority: 5 }), task(4, { priority: -1 }));
    run.register({ slots: 1 });
    for (const key of [4, 2, 1]) run.finish('m1', key);
    expect(run.keysAt('m1')).toEqual([4, 2, 1, 3]);
  });

  test('a task of a higher priority overtakes, whatever the needs of either', () => {
    const run = new BrokerRun().hello();
    run.submit(task(1, { priority: 3 }), task(2, { priority: 2, needs: { cores: 1 } }), task(3, { priority: 1 }));
    run.submit(task(4, { priority: 0, needs: { walltimeMs: 10 } }));
    run.register({ slots: 1 });
    for (const key of [4, 3, 2]) run.finish('m1', key);
    expect(run.keysAt('m1')).toEqual([4, 3, 2, 1]);
  });

  test('tasks are spread evenly, and free slots are filled everywhere before any task waits at a manager', () => {
    const run = new BrokerRun().hello();
    for (const id of ['m1', 'm2', 'm3']) run.register({ id, slots: 2, prefetch: 4 });
    run.submit(...Array.from({ length: 9 }, (_, key) => task(key)));
    expect(['m1', 'm2', 'm3'].map((id) => run.keysAt(id).length)).toEqual([3, 3, 3]);
    run.submit(...Array.from({ length: 9 }, (_, key) => task(100 + key)));
    expect(['m1', 'm2', 'm3'].map((id) => run.keysAt(id).length)).toEqual([6, 6, 6]);
  });

  test('a manager gets the code of an app once, before its first task', () => {
    const run = new BrokerRun().hello();
    const bytes = new Uint8Array([1, 2, 3]);
    run.client({ kind: 'code', code: 7, bytes }).register({ slots: 4 });
    run.submit(task(1, { code: 7 }), task(2, { code: 7 }));
    run.submit(task(3, { code: 7 }));
    expect(run.kindsOf('m1')).toEqual(['welcome', 'code', 'tasks', 'tasks']);
    expect(run.ordersOf('m1')[1]).toEqual({ kind: 'code', code: 7, bytes });
  });

  test('a message has 512 tasks or 8 MiB at most, or one task', () => {
    const run = new BrokerRun().hello().register({ slots: 2_000 });
    run.submit(...Array.from({ length: 1_000 }, (_, key) => task(key)));
    const sizes = (): number[] =>
      run.ordersOf('m1').flatMap((order) => (order.kind === 'tasks' ? [order.tasks.length] : []));
    expect(sizes()).toEqual([512, 488]);
    run.submit(...[5, 3, 2, 20, 1].map((mib, index) => task(2_000 + index, { bytes: mib * 1024 * 1024 })));
    expect(sizes().slice(2)).toEqual([2, 1, 1, 1]);
  });

  test('results of one turn travel in one message, those of another in another', () => {
    const run = new BrokerRun().hello().register({ slots: 4 });
    run.submit(task(1), task(2), task(3));
    run.broker.onManager('m1', { kind: 'results', results: [outcome(1)] }, run.nowMs);
    run.broker.onManager('m1', { kind: 'results', results: [outcome(2)] }, run.nowMs);
    expect(run.told('results')).toHaveLength(0);
    run.broker.flush(run.nowMs);
    run.finish('m1', 3);
    expect(run.told('results').map(({ results }) => results.length)).toEqual([2, 1]);
  });

  test('a result of nobody, or one that comes twice, is dropped', () => {
    const run = new BrokerRun().hello().register().submit(task(1));
    run.finish('m1', 99).finish('m1', 1).finish('m1', 1);
    expect(run.results()).toEqual(['1 outcome']);
  });

  test('results that come before the client wait for it', () => {
    const run = new BrokerRun().register({ holding: [4] }).finish('m1', 4);
    expect(run.toClient).toEqual([]);
    run.hello(['m1']);
    expect(run.results()).toEqual(['4 outcome']);
  });
});

describe('cancelled tasks', () => {
  test('one that waits is gone', () => {
    const run = new BrokerRun().hello().submit(task(1), task(2), task(3));
    run.client({ kind: 'cancel', keys: [1, 3, 77] }).register();
    expect(run.keysAt('m1')).toEqual([2]);
    expect(run.results()).toEqual([]);
  });

  test('one that a manager has is cancelled there, and its slot counts as free', () => {
    const run = new BrokerRun().hello().register({ slots: 1 }).submit(task(1), task(2));
    run.client({ kind: 'cancel', keys: [1] });
    expect(run.ordersOf('m1')).toContainEqual({ kind: 'cancel', keys: [1] });
    expect(run.keysAt('m1')).toEqual([1, 2]);
    run.finish('m1', 1);
    expect(run.results()).toEqual([]);
  });
});

describe('what tasks need', () => {
  test('a task takes as many slots as its share says', () => {
    const run = new BrokerRun().hello().register({ slots: 4, prefetch: 4 });
    run.submit(task(1, { needs: { cores: 3 } }), task(2, { needs: { memoryMiB: 1_500 } }), task(3), task(4));
    // 3 slots, then 2 that do not fit and do not hold up the others.
    expect(run.keysAt('m1')).toEqual([1, 3, 4]);
    run.finish('m1', 1);
    expect(run.keysAt('m1')).toEqual([1, 3, 4, 2]);
  });

  test('a task of several slots does not wait at a manager', () => {
    const run = new BrokerRun().hello().register({ slots: 2, prefetch: 10 }).submit(task(1));
    run.submit(task(2, { needs: { cores: 2 } }));
    expect(run.keysAt('m1')).toEqual([1]);
  });

  test('a task that needs what no slot has anything of waits for a manager that has', () => {
    const run = new BrokerRun()
      .hello()
      .register()
      .submit(task(1, { needs: { accelerators: 1 } }), task(2));
    expect(run.keysAt('m1')).toEqual([2]);
    run.register({ id: 'm2', share: { cores: 1, accelerators: 1 } });
    expect(run.keysAt('m2')).toEqual([1]);
  });

  test('a task is not placed where less time is left than it may take', () => {
    const run = new BrokerRun().hello().register({ remainingMs: 60_000 });
    run.pass(30_000).submit(task(1, { needs: { walltimeMs: 40_000 } }), task(2, { needs: { walltimeMs: 20_000 } }));
    expect(run.keysAt('m1')).toEqual([2]);
    run.register({ id: 'm2', remainingMs: 41_000 });
    expect(run.keysAt('m2')).toEqual([1]);
  });

  test('a large task is not starved: after a while a manager is kept free for it, and only one', () => {
    const run = new BrokerRun().hello();
    for (const id of ['m1', 'm2']) run.register({ id, slots: 2, prefetch: 2 });
    run.submit(...Array.from({ length: 40 }, (_, key) => task(key)));
    run.submit(task(100, { needs: { cores: 2 } }));
    // Each ends a task in turn, and so never has two slots free.
    const ended = new Map<string, number>([
      ['m1', 0],
      ['m2', 0],
    ]);
    const endOne = (id: string): void => {
      const at = ended.get(id) ?? 0;
      const key = run.keysAt(id)[at];
      if (key === undefined || key === 100) return;
      ended.set(id, at + 1);
      run.finish(id, key);
    };
    for (let round = 0; round < 3; round++) for (const id of ['m1', 'm2']) endOne(id);
    expect([...run.keysAt('m1'), ...run.keysAt('m2')]).not.toContain(100);
    expect(run.broker.dueAtMs()).toBeLessThanOrEqual(run.nowMs + 1_000);
    run.pass(1_000);
    for (let round = 0; round < 4; round++) for (const id of ['m1', 'm2']) endOne(id);
    const hasIt = run.keysAt('m1').includes(100) ? 'm1' : 'm2';
    expect(run.keysAt(hasIt)).toContain(100);
    const other = hasIt === 'm1' ? 'm2' : 'm1';
    expect(run.keysAt(other).length).toBeGreaterThan(7);
    run.finish(hasIt, 100);
    expect(run.keysAt(hasIt).at(-1)).not.toBe(100);
  });

  test('a manager kept free is let go when its task is cancelled', () => {
    const run = new BrokerRun().hello().register({ slots: 2 }).submit(task(1), task(2));
    run.submit(task(3, { needs: { cores: 2 } })).pass(1_000);
    run.finish('m1', 1).submit(task(4));
    expect(run.keysAt('m1')).toEqual([1, 2]);
    run.client({ kind: 'cancel', keys: [3] });
    expect(run.keysAt('m1')).toEqual([1, 2, 4]);
  });

  test('a task too large for every manager asks for nothing in vain', () => {
    const run = new BrokerRun()
      .hello()
      .register()
      .submit(task(1, { needs: { cores: 64 } }));
    run.pass(1_000);
    expect(run.broker.dueAtMs()).toBeGreaterThanOrEqual(run.nowMs + 1_000);
    run.submit(task(2), task(3));
    expect(run.keysAt('m1')).toEqual([2, 3]);
  });
});
