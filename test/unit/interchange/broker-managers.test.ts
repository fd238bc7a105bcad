import { describe, expect, test } from 'vitest';
import { BrokerRun, registrationOf, task } from './broker-run.js';

describe('registration', () => {
  test('a manager is welcomed, and the client told', () => {
    const run = new BrokerRun().hello().pass(1_000).register({ slots: 3 });
    expect(run.kindsOf('m1')).toEqual(['welcome']);
    expect(run.told('managers').at(-1)?.managers).toMatchObject([
      { id: 'm1', blockId: 'b1', state: 'ready', slots: 3, usedSlots: 0, outstanding: 0, idleForMs: 0 },
    ]);
  });

  test('one of another version is refused, both sides hear why, and it gets no tasks', () => {
    const run = new BrokerRun().hello().submit(task(1)).register({ sluice: '0.9.0' });
    const reason = 'it has version 0.9.0 of sluice, and the client 1.0.0: bring both to one version';
    expect(run.ordersOf('m1')).toEqual([{ kind: 'refused', reason }]);
    expect(run.told('managerRefused')).toEqual([{ kind: 'managerRefused', blockId: 'b1', host: 'node1', reason }]);
  });

  test('one that calls itself by another name than its socket is refused', () => {
    const run = new BrokerRun().hello();
    run.manager('m2', { kind: 'register', manager: registrationOf({ id: 'm1' }) });
    expect(run.kindsOf('m2')).toEqual(['refused']);
  });

  test('whoever speaks without having registered is asked who it is', () => {
    const run = new BrokerRun().hello().finish('m9', 1);
    expect(run.ordersOf('m9')).toEqual([{ kind: 'who' }]);
  });

  test('the client is admitted by its token, once', () => {
    const run = new BrokerRun();
    expect(run.broker.admits({ token: 'guess' })).toBe(false);
    expect(run.broker.admits({ token: 'secret' })).toBe(true);
    run.hello();
    expect(run.broker.admits({ token: 'secret' })).toBe(false);
  });
});

describe('lost managers', () => {
  test.each([
    ['silence', (run: BrokerRun) => run.broker.onSilent('m1', 120_000), 'it has been silent for 120000 ms'],
    ['a farewell', (run: BrokerRun) => run.manager('m1', { kind: 'bye', reason: 'SIGTERM' }), 'SIGTERM'],
  ])('%s fails each of its tasks, naming manager, host, block and reason', (_how, lose, reason) => {
    const run = new BrokerRun().hello().register({ slots: 2 }).submit(task(1), task(2), task(3));
    lose(run);
    run.pass(1_000);
    expect(run.results()).toEqual(['1 failure', '2 failure']);
    expect(run.failure(1)).toMatchObject({ code: 'WORKER_LOST', class: 'infrastructure' });
    expect(run.failure(1).message).toBe(`manager m1 on node1 (block b1) is lost, and the task with it: ${reason}`);
    expect(run.told('managerLost')).toEqual([{ kind: 'managerLost', id: 'm1', blockId: 'b1', reason }]);
    expect(run.told('managers').at(-1)?.managers).toEqual([]);
    expect(run.forgotten).toEqual(['m1']);
    run.register({ id: 'm2' });
    expect(run.keysAt('m2')).toEqual([3]);
  });

  test('the failures are told before the loss', () => {
    const run = new BrokerRun().hello().register().submit(task(1)).manager('m1', { kind: 'bye', reason: 'x' });
    const kinds = run.toClient.map(({ kind }) => kind);
    expect(kinds.indexOf('results')).toBeLessThan(kinds.indexOf('managerLost'));
  });

  test('one that was taken for lost and comes back is told to cancel what it still has', () => {
    const run = new BrokerRun().hello().register().submit(task(1));
    run.broker.onSilent('m1', 120_000);
    run.register({ holding: [1] });
    expect(run.ordersOf('m1').at(-1)).toEqual({ kind: 'cancel', keys: [1] });
    run.finish('m1', 1);
    expect(run.results()).toEqual(['1 failure']);
  });

  test('one whose link began anew keeps what it holds, and loses what it does not', () => {
    const run = new BrokerRun().hello().register({ slots: 3 }).submit(task(1), task(2));
    run.broker.onPeer('m1');
    run.submit(task(3));
    expect(run.keysAt('m1')).toEqual([1, 2]);
    run.register({ slots: 3, holding: [1] });
    expect(run.results()).toEqual(['2 failure']);
    expect(run.keysAt('m1')).toEqual([1, 2, 3]);
    run.finish('m1', 1, 3);
    expect(run.results()).toEqual(['2 failure', '1 outcome', '3 outcome']);
  });

  test('one that registers twice loses nothing that is on its way to it', () => {
    const run = new BrokerRun().hello().register().submit(task(1)).register({ holding: [] });
    run.finish('m1', 1);
    expect(run.results()).toEqual(['1 outcome']);
  });
});

describe('drain, hold and release', () => {
  test('a manager that drains gets no more tasks, and is drained when it has none', () => {
    const run = new BrokerRun().hello().register({ slots: 2 }).submit(task(1));
    run.manager('m1', { kind: 'draining', reason: 'walltime' }).submit(task(2));
    expect(run.keysAt('m1')).toEqual([1]);
    expect(run.kindsOf('m1')).not.toContain('drained');
    run.finish('m1', 1);
    expect(run.kindsOf('m1').at(-1)).toBe('drained');
    run.manager('m1', { kind: 'bye', reason: 'drained' }).pass(1_000);
    expect(run.told('managerLost')).toEqual([]);
    expect(run.told('managers').at(-1)?.managers).toEqual([]);
  });

  test('a manager without tasks is drained at once', () => {
    const run = new BrokerRun().hello().register();
    run.client({ kind: 'command', id: 1, command: { name: 'drain', target: { manager: 'm1' } } });
    expect(run.kindsOf('m1')).toEqual(['welcome', 'drain', 'drained']);
    expect(run.told('reply')).toMatchObject([{ id: 1, managers: [{ id: 'm1', state: 'drained' }] }]);
  });

  test('a block that is held gets no tasks until it is released', () => {
    const run = new BrokerRun().hello();
    run
      .register({ id: 'm1', blockId: 'old' })
      .register({ id: 'm2', blockId: 'old' })
      .register({ id: 'm3', blockId: 'new' });
    run.client({ kind: 'command', id: 1, command: { name: 'hold', target: { block: 'old' } } });
    run.submit(...[1, 2, 3, 4, 5, 6].map((key) => task(key)));
    expect(['m1', 'm2', 'm3'].map((id) => run.keysAt(id).length)).toEqual([0, 0, 2]);
    run.client({ kind: 'command', id: 2, command: { name: 'release', target: { block: 'old' } } });
    expect(['m1', 'm2', 'm3'].map((id) => run.keysAt(id).length)).toEqual([2, 2, 2]);
  });

  test('a manager that drains is not released', () => {
    const run = new BrokerRun().hello().register().submit(task(1));
    run.client({ kind: 'command', id: 1, command: { name: 'drain', target: { manager: 'm1' } } });
    run.client({ kind: 'command', id: 2, command: { name: 'release', target: { manager: 'm1' } } }).submit(task(2));
    expect(run.keysAt('m1')).toEqual([1]);
  });

  test('a large task is not kept waiting by a manager that was kept free for it and drains', () => {
    const run = new BrokerRun().hello().register({ id: 'm1' }).register({ id: 'm2' });
    run.submit(task(1), task(2), task(3), task(4), task(5, { needs: { cores: 2 } })).pass(1_000);
    for (const id of ['m1', 'm2']) run.finish(id, run.keysAt(id)[0] as number);
    run.manager('m1', { kind: 'draining', reason: 'x' }).pass(1_000);
    run.finish('m2', run.keysAt('m2')[1] as number);
    expect([...run.keysAt('m1'), ...run.keysAt('m2')]).toContain(5);
  });
});

describe('the list of managers', () => {
  test('changes are told together, five times a second at most', () => {
    const run = new BrokerRun().hello();
    const before = run.told('managers').length;
    for (let index = 0; index < 20; index++) run.register({ id: `m${index}` }).pass(10);
    run.pass(200);
    expect(run.told('managers').length - before).toBeLessThanOrEqual(2);
    expect(run.told('managers').at(-1)?.managers).toHaveLength(20);
    expect(run.broker.dueAtMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test('a manager that becomes busy, or idle, is a change', () => {
    const run = new BrokerRun().hello().register().pass(500);
    const last = () => run.told('managers').at(-1)?.managers[0];
    run.submit(task(1)).pass(500);
    expect(last()).toMatchObject({ outstanding: 1, usedSlots: 1, idleForMs: 0 });
    run.finish('m1', 1).pass(500);
    expect(last()).toMatchObject({ outstanding: 0, usedSlots: 0, idleForMs: 500 });
  });
});

test('when the client closes, every manager is told to stop, and all ends', () => {
  const run = new BrokerRun().hello().register({ id: 'm1' }).register({ id: 'm2' }).client({ kind: 'close' });
  expect(['m1', 'm2'].map((id) => run.kindsOf(id).at(-1))).toEqual(['stop', 'stop']);
  expect(run.isEnded).toBe(true);
});
