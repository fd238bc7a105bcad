import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PriorityQueue } from '../../src/priority-queue.js';

interface Item {
  readonly id: number;
  readonly priority: number;
}

/** What the queue promises, as slowly as can be. */
class SortedList {
  readonly items: Item[] = [];

  push(item: Item): void {
    const index = this.items.findIndex(({ priority }) => priority > item.priority);
    this.items.splice(index === -1 ? this.items.length : index, 0, item);
  }

  remove(item: Item): void {
    const index = this.items.indexOf(item);
    if (index !== -1) this.items.splice(index, 1);
  }
}

const anyStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('push' as const), priority: fc.integer({ min: -2, max: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('putBack' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), id: fc.nat({ max: 40 }) }) },
);

test('lower numbers come out sooner, equals in the order they came, and what is removed never does', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120 }), (steps) => {
      const queue = new PriorityQueue<Item>();
      const expected = new SortedList();
      const pushed: Item[] = [];
      for (const step of steps) {
        if (step.kind === 'shift') expect(queue.shift()).toBe(expected.items.shift());
        else if (step.kind === 'putBack') {
          const item = queue.shift();
          if (item !== undefined) queue.putBack(item, item.priority);
        } else if (step.kind === 'push') {
          const item = { id: pushed.length, priority: step.priority };
          pushed.push(item);
          queue.push(item, item.priority);
          expected.push(item);
        } else {
          const item = pushed[step.id];
          if (item === undefined || !expected.items.includes(item)) continue;
          queue.remove(item);
          expected.remove(item);
        }
        expect(queue.size).toBe(expected.items.length);
      }
      for (const item of expected.items) expect(queue.shift()).toBe(item);
      expect(queue.shift()).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test('a long line stays in order while it is filled, emptied and thinned out', () => {
  const queue = new PriorityQueue<Item>();
  const items = Array.from({ length: 10_000 }, (_, id) => ({ id, priority: 0 }));
  const out: number[] = [];
  for (const [index, item] of items.entries()) {
    queue.push(item, 0);
    if (index % 3 === 0) queue.remove(item);
    else if (index % 2 === 0) out.push(queue.shift()?.id ?? -1);
  }
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) out.push(item.id);
  expect(out).toEqual(items.map(({ id }) => id).filter((id) => id % 3 !== 0));
});
