import { expect, test } from 'vitest';
import { BrokerRun, task } from './broker-run.js';

// An interchange that takes the place of one that crashed.

test('tasks sent again wait until every known manager has come back, and those with none of them are placed anew', () => {
  const run = new BrokerRun().hello(['m1', 'm2']).again(task(1), task(2), task(3));
  run.register({ id: 'm1', slots: 4, holding: [1] });
  expect(run.keysAt('m1')).toEqual([]);
  run.register({ id: 'm2', slots: 4, holding: [2] });
  expect([...run.keysAt('m1'), ...run.keysAt('m2')]).toEqual([3]);
  run.finish('m1', 1).finish('m2', 2);
  expect(run.results()).toEqual(['1 outcome', '2 outcome']);
});

test('a manager that does not come back is given up after its time', () => {
  const run = new BrokerRun({ reclaimMs: 10_000 }).hello(['m1', 'm2']).again(task(1), task(2));
  run.register({ id: 'm1', slots: 4, holding: [1] }).pass(9_999);
  expect(run.keysAt('m1')).toEqual([]);
  expect(run.broker.dueAtMs()).toBe(run.nowMs + 1);
  run.pass(1);
  expect(run.keysAt('m1')).toEqual([2]);
});

test('new tasks do not wait for that', () => {
  const run = new BrokerRun().hello(['m1', 'm2']).register({ id: 'm1' }).submit(task(9));
  expect(run.keysAt('m1')).toEqual([9]);
});

test('a manager may come before the client: what it has is not given to another, and counts against its slots', () => {
  const run = new BrokerRun().register({ id: 'm1', slots: 2, holding: [1] }).hello(['m1']);
  run.again(task(1, { needs: { cores: 2 } })).submit(task(2));
  expect(run.keysAt('m1')).toEqual([]);
  run.finish('m1', 1);
  expect(run.keysAt('m1')).toEqual([2]);
  expect(run.results()).toEqual(['1 outcome']);
});

test('a task that ended before the client named it is not run again', () => {
  const run = new BrokerRun().register({ id: 'm1', holding: [1, 2] }).finish('m1', 1);
  run.hello(['m1']).again(task(1), task(2));
  expect(run.keysAt('m1')).toEqual([]);
  run.finish('m1', 2);
  expect(run.results()).toEqual(['1 outcome', '2 outcome']);
});

test('a result that its manager sends again after all is the one result', () => {
  const run = new BrokerRun().hello(['m1', 'm2']).again(task(1)).register({ id: 'm1' }).finish('m1', 1);
  run.register({ id: 'm2' });
  expect(run.results()).toEqual(['1 outcome']);
  expect([...run.keysAt('m1'), ...run.keysAt('m2')]).toEqual([]);
});

test('a manager that comes too late with a task that another has got is told to cancel it', () => {
  const run = new BrokerRun({ reclaimMs: 1_000 }).hello(['m1', 'm2']).register({ id: 'm1' }).again(task(1)).pass(1_000);
  expect(run.keysAt('m1')).toEqual([1]);
  run.register({ id: 'm2', holding: [1] });
  expect(run.ordersOf('m2').at(-1)).toEqual({ kind: 'cancel', keys: [1] });
});

test('what no client claims is cancelled in the end, and its slots are free', () => {
  const run = new BrokerRun({ reclaimMs: 1_000 }).register({ id: 'm1', slots: 1, holding: [1] }).hello(['m1']);
  run.submit(task(2)).pass(1_000);
  expect(run.ordersOf('m1')).toContainEqual({ kind: 'cancel', keys: [1] });
  run.pass(0);
  expect(run.keysAt('m1')).toEqual([2]);
});

test('a task that waits for its manager can be cancelled', () => {
  const run = new BrokerRun({ reclaimMs: 1_000 })
    .hello(['m1'])
    .again(task(1))
    .client({ kind: 'cancel', keys: [1] });
  run.register({ id: 'm1', holding: [1] }).pass(1_000);
  expect(run.keysAt('m1')).toEqual([]);
  expect(run.ordersOf('m1')).toContainEqual({ kind: 'cancel', keys: [1] });
});

test('a manager that comes late with a task that waits for room keeps it', () => {
  const run = new BrokerRun({ reclaimMs: 1_000 }).hello(['m2']).again(task(1)).pass(1_000);
  run.register({ id: 'm2', holding: [1] });
  expect(run.kindsOf('m2')).toEqual(['welcome']);
  run.finish('m2', 1);
  expect(run.results()).toEqual(['1 outcome']);
});
