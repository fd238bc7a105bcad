import { expect, test } from 'vitest';
import {
  blockSelector,
  mostFreeSelector,
  nearSelector,
  randomSelector,
  roundRobinSelector,
} from '../../../src/interchange/built-in-selectors.js';
import { loadSelector } from '../../../src/interchange/load-selector.js';
import type { Candidate, ManagerSelector } from '../../../src/interchange/manager-selector.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { BrokerRun, task } from './broker-run.js';

const candidate = (arrival: number, fields: Partial<Candidate> = {}): Candidate => {
  return { id: `m${arrival}`, blockId: 'b', host: 'h', arrival, slots: 4, freeSlots: 1, ...fields };
};
const three = [candidate(2), candidate(0), candidate(1)];

test('round-robin takes each in turn, also when some have no room meanwhile', () => {
  const selector = roundRobinSelector();
  const turn = (candidates: readonly Candidate[]): string => selector.choose(candidates, undefined).id;
  expect([turn(three), turn(three), turn(three), turn(three)]).toEqual(['m0', 'm1', 'm2', 'm0']);
  expect([turn([candidate(2), candidate(0)]), turn(three)]).toEqual(['m2', 'm0']);
});

test('random takes what chance says', () => {
  expect([0, 0.5, 0.99].map((chance) => randomSelector(() => chance).choose(three, undefined).id)).toEqual([
    'm2',
    'm0',
    'm1',
  ]);
});

test('block takes managers of the newest block first', () => {
  const selector = blockSelector();
  const [old, older, young] = [candidate(0), candidate(1), candidate(2, { blockId: 'new' })] as const;
  expect(selector.choose([old, older, young], undefined)).toBe(young);
  expect(selector.choose([older, old], undefined)).toBe(old);
});

test('most-free takes the one with the most free slots', () => {
  const free = [candidate(0, { freeSlots: -1 }), candidate(2, { freeSlots: 3 }), candidate(1, { freeSlots: 3 })];
  expect(mostFreeSelector().choose(free, undefined).id).toBe('m1');
});

test('near takes the first that has the data and room, else the one with the most free slots', () => {
  const selector = nearSelector();
  expect(selector.choose(three, { near: ['gone', 'm1', 'm0'] }).id).toBe('m1');
  expect(selector.choose([...three, candidate(3, { freeSlots: 2 })], { near: ['gone'] }).id).toBe('m3');
});

test('with near, each task goes to its own manager, in order', () => {
  const run = new BrokerRun({ selector: nearSelector() }).hello();
  for (const id of ['m1', 'm2']) run.register({ id, slots: 4 });
  run.submit(
    task(1, { needs: { near: ['m2'] } }),
    task(2, { needs: { near: ['m1'] } }),
    task(3, { needs: { near: ['m2'] } }),
  );
  expect([run.keysAt('m1'), run.keysAt('m2')]).toEqual([[2], [1, 3]]);
});

test('tasks that are near the same managers are placed together', () => {
  let asked = 0;
  const near = nearSelector();
  const selector: ManagerSelector = {
    choose: (...request) => {
      asked += 1;
      return near.choose(...request);
    },
  };
  const run = new BrokerRun({ selector }).hello();
  for (const id of ['m1', 'm2']) run.register({ id, slots: 8 });
  // Each has a list of its own, as they arrive.
  run.submit(...[1, 2, 3, 4].map((key) => task(key, { needs: { near: ['m2', 'm1'] } })));
  expect([run.keysAt('m2'), asked]).toEqual([[1, 2, 3, 4], 3]);
});

test('a selector that answers somebody else counts as having taken the first', () => {
  const run = new BrokerRun({ selector: { choose: () => candidate(9) } }).hello().register().submit(task(1));
  expect(run.keysAt('m1')).toEqual([1]);
});

test('one of the user is loaded from a module', async () => {
  const module =
    'data:text/javascript,export const last = { choose: (c) => c.at(-1) }; export const make = () => last; export const no = 1';
  for (const name of ['last', 'make']) {
    const selector = await loadSelector({ module, export: name });
    expect(selector.choose(three, undefined).id).toBe('m1');
  }
  for (const choice of [
    { module, export: 'no' },
    { module: 'file:///nowhere.js', export: 'x' },
  ]) {
    expect(await failureOf(loadSelector(choice))).toMatchObject({ code: 'INVALID_OPTIONS' });
  }
});
