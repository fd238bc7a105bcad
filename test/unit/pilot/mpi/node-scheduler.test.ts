import { expect, test } from 'vitest';
import { type NodeGrant, NodeScheduler } from '../../../../src/pilot/mpi/node-scheduler.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';

const NODES = ['n1', 'n2', 'n3', 'n4'];
const keys = (grants: readonly NodeGrant[]): number[] => grants.map(({ key }) => key);
const task = (key: number, nodes: number, priority = 0) => ({ key, nodes, priority });

test('a task that fits starts at once, on the first nodes that are free', () => {
  const scheduler = new NodeScheduler(NODES);
  expect(scheduler.request(task(1, 1))).toEqual([{ key: 1, nodes: ['n1'] }]);
  expect(scheduler.request(task(2, 2))).toEqual([{ key: 2, nodes: ['n2', 'n3'] }]);
  expect(scheduler.free).toBe(1);
  expect(scheduler.release(1)).toEqual([]);
  expect(scheduler.request(task(3, 2))).toEqual([{ key: 3, nodes: ['n1', 'n4'] }]);
});

test('those that wait go by priority, then by size, then in the order in which they came', () => {
  const scheduler = new NodeScheduler(NODES);
  scheduler.request(task(0, 4));
  for (const waiting of [task(1, 3), task(2, 1), task(3, 2), task(4, 1), task(5, 4, -1)]) scheduler.request(waiting);
  expect(scheduler.waiting).toBe(5);
  expect(keys(scheduler.release(0))).toEqual([5]);
  expect(keys(scheduler.release(5))).toEqual([2, 4, 3]);
  expect(keys(scheduler.release(3))).toEqual([]);
  expect(keys(scheduler.release(4))).toEqual([1]);
});

test('a task that is no longer wanted leaves the line, and one that runs gives its nodes back', () => {
  const scheduler = new NodeScheduler(NODES);
  scheduler.request(task(1, 3));
  scheduler.request(task(2, 4));
  scheduler.request(task(3, 2));
  expect(scheduler.release(2)).toEqual([]);
  expect(scheduler.waiting).toBe(1);
  expect(keys(scheduler.release(1))).toEqual([3]);
  expect(scheduler.release(99)).toEqual([]);
});

test('a large task that eight small ones have passed closes the line until it has its nodes', () => {
  const scheduler = new NodeScheduler(NODES);
  scheduler.request(task(0, 1));
  scheduler.request(task(1, 4));
  const passed: number[] = [];
  for (let key = 2; passed.length < 8; key++) {
    passed.push(...keys(scheduler.request(task(key, 1))));
    if (scheduler.free === 0) passed.push(...keys(scheduler.release(key)));
  }
  expect(keys(scheduler.request(task(100, 1)))).toEqual([]);
  const started = [0, ...passed].flatMap((key) => keys(scheduler.release(key)));
  expect(started).toEqual([1]);
  expect(keys(scheduler.release(1))).toEqual([100]);
});

test('more urgent tasks do not wait for one that closes the line', () => {
  const scheduler = new NodeScheduler(NODES);
  scheduler.request(task(0, 1));
  scheduler.request(task(1, 4));
  for (let key = 2; key < 10; key++) {
    scheduler.request(task(key, 1));
    scheduler.release(key);
  }
  expect(keys(scheduler.request(task(100, 1)))).toEqual([]);
  expect(keys(scheduler.request(task(101, 1, -1)))).toEqual([101]);
});

test('a task that needs more nodes than there are is refused', () => {
  const error = thrownBy<Error>(() => new NodeScheduler(NODES).request(task(1, 5)));
  expect(error).toMatchObject({ code: 'RESOURCES_NOT_HONOURED' });
  expect(error.message).toContain('nodes: 5, and this block has 4');
});
