import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PilotTask, TaskNeeds } from '../../src/wire/pilot/pilot-task.js';
import { slotsFor } from '../../src/wire/pilot/slots.js';
import { BrokerRun, outcome, registrationOf, task } from '../unit/interchange/broker-run.js';

const MANAGERS = ['m0', 'm1', 'm2', 'm3'];

interface Node {
  readonly slots: number;
  readonly prefetch: number;
  readonly held: Map<number, PilotTask>;
  state: 'ready' | 'held' | 'drained';
}

const AFTER = {
  hold: { ready: 'held', held: 'held' },
  release: { ready: 'ready', held: 'ready' },
  drain: { ready: 'drained', held: 'drained' },
} as const;

/** A broker among managers as the test has them, and what it must never do. */
class World {
  readonly run = new BrokerRun({ reclaimMs: 1_000 }).hello();
  readonly nodes = new Map<string, Node>();
  readonly submitted = new Map<number, PilotTask>();
  readonly cancelled = new Set<number>();
  readonly ended = new Map<number, string>();
  #keys = 0;
  #seenOrders = 0;
  #seenMessages = 0;

  submit(priority: number, needs: TaskNeeds | undefined): void {
    const next = task(this.#keys++, { priority, ...(needs && { needs }) });
    this.submitted.set(next.key, next);
    this.run.submit(next);
    this.look();
  }

  come(id: string, slots: number, prefetch: number): void {
    if (this.nodes.has(id)) return;
    this.nodes.set(id, { slots, prefetch, held: new Map(), state: 'ready' });
    this.run.manager(id, { kind: 'register', manager: registrationOf({ id, slots, prefetch, share: SHARE }) });
    this.look();
  }

  finish(id: string, count: number): void {
    const node = this.nodes.get(id);
    if (node === undefined) return;
    const keys = [...node.held.keys()].slice(0, count);
    for (const key of keys) node.held.delete(key);
    this.run.manager(id, { kind: 'results', results: keys.map(outcome) });
    this.look();
  }

  leave(id: string, how: 'bye' | 'silent'): void {
    if (!this.nodes.delete(id)) return;
    if (how === 'bye') this.run.manager(id, { kind: 'bye', reason: 'x' });
    else this.run.broker.onSilent(id, 1);
    this.run.pass(0);
    this.look();
  }

  turn(id: string, name: 'hold' | 'release' | 'drain'): void {
    const node = this.nodes.get(id);
    if (node !== undefined && node.state !== 'drained') node.state = AFTER[name][node.state];
    this.run.client({ kind: 'command', id: 1, command: { name, target: { manager: id } } });
    this.look();
  }

  cancel(key: number): void {
    if (!this.submitted.has(key) || this.ended.has(key)) return;
    this.cancelled.add(key);
    this.run.client({ kind: 'cancel', keys: [key] });
    this.look();
  }

  /** Takes in what the broker has said since, and holds it to its promises. */
  look(): void {
    for (const { id, order } of this.run.toManagers.slice(this.#seenOrders)) this.#obey(id, order);
    this.#seenOrders = this.run.toManagers.length;
    for (const message of this.run.toClient.slice(this.#seenMessages)) {
      for (const { key, kind } of message.kind === 'results' ? message.results : []) {
        expect(this.ended.has(key), `task ${key} ends once`).toBe(false);
        expect(this.cancelled.has(key), `task ${key} was cancelled`).toBe(false);
        this.ended.set(key, kind);
      }
    }
    this.#seenMessages = this.run.toClient.length;
  }

  #obey(id: string, order: ReturnType<BrokerRun['ordersOf']>[number]): void {
    const node = this.nodes.get(id);
    if (order.kind === 'cancel') for (const key of order.keys) node?.held.delete(key);
    if (order.kind === 'drained' && node !== undefined) expect(node.held.size).toBe(0);
    if (order.kind !== 'tasks') return;
    expect(node?.state, `manager ${id}`).toBe('ready');
    for (const each of order.tasks) {
      expect(this.ended.has(each.key) || this.cancelled.has(each.key), `task ${each.key} is wanted`).toBe(false);
      for (const other of this.nodes.values())
        expect(other.held.has(each.key), `task ${each.key} is nowhere else`).toBe(false);
      node?.held.set(each.key, each);
    }
    if (node !== undefined) expect(usedBy(node), `credit of ${id}`).toBeLessThanOrEqual(node.slots + node.prefetch);
  }

  /** Whatever has not ended is with a manager, or waits since there is no room, and none of a higher priority is behind. */
  check(): void {
    const held = new Set([...this.nodes.values()].flatMap((node) => [...node.held.keys()]));
    const waiting = [...this.submitted.values()].filter(
      ({ key }) => !held.has(key) && !this.ended.has(key) && !this.cancelled.has(key),
    );
    const plain = waiting.some(({ needs }) => needs === undefined);
    const reserved = waiting.some(({ needs }) => slotsFor(needs, SHARE) > 1) ? 1 : 0;
    const open = [...this.nodes.values()].filter(
      (node) => node.state === 'ready' && usedBy(node) < node.slots + node.prefetch,
    );
    if (plain) expect(open.length, 'managers with credit while plain tasks wait').toBeLessThanOrEqual(reserved);
    for (const { key, needs } of waiting) {
      const slots = slotsFor(needs, SHARE);
      const roomy = [...this.nodes.values()].filter(
        (node) => node.state === 'ready' && node.slots - usedBy(node) >= slots,
      );
      expect(roomy.length, `managers with room for task ${key}`).toBeLessThanOrEqual(reserved);
    }
  }

  settle(): void {
    for (let index = 0; index < MANAGERS.length; index++) this.leave(`m${index}`, 'bye');
    this.come('last', 4, 0);
    for (let round = 0; round < 10_000 && this.ended.size + this.cancelled.size < this.submitted.size; round++) {
      this.run.pass(100);
      this.look();
      this.finish('last', 4);
    }
    expect(this.ended.size + this.cancelled.size).toBe(this.submitted.size);
    expect(this.run.broker.managers(0)).toMatchObject([{ id: 'last', usedSlots: 0, outstanding: 0 }]);
  }
}

const SHARE = { cores: 1, memoryMiB: 1_000, accelerators: 0 };

function usedBy(node: Node): number {
  let used = 0;
  for (const { needs } of node.held.values()) used += slotsFor(needs, SHARE);
  return used;
}

const id = fc.constantFrom(...MANAGERS);
const needs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record({ cores: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ memoryMiB: fc.constantFrom(500, 1_500, 3_500) }) },
);
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('submit' as const), priority: fc.integer({ min: 0, max: 3 }), needs }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), id, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      id,
      slots: fc.integer({ min: 1, max: 4 }),
      prefetch: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('leave' as const),
      id,
      how: fc.constantFrom('bye' as const, 'silent' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('turn' as const),
      id,
      name: fc.constantFrom('hold' as const, 'release' as const, 'drain' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), key: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
);

test('whatever comes and goes, every task ends once or is cancelled, and no credit is exceeded', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const world = new World();
      for (const each of steps) {
        switch (each.kind) {
          case 'submit':
            world.submit(each.priority, each.needs);
            break;
          case 'finish':
            world.finish(each.id, each.count);
            break;
          case 'come':
            world.come(each.id, each.slots, each.prefetch);
            break;
          case 'leave':
            world.leave(each.id, each.how);
            break;
          case 'turn':
            world.turn(each.id, each.name);
            break;
          case 'cancel':
            world.cancel(each.key);
            break;
          case 'pass':
            world.run.pass(each.ms);
            world.look();
        }
        world.check();
      }
      world.settle();
    }),
    { numRuns: 500 },
  );
});

test('on one manager, tasks of equal needs go in order of priority, then of arrival', () => {
  const one = fc.record({ priority: fc.integer({ min: -2, max: 2 }), walltimeMs: fc.constantFrom(undefined, 10, 20) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 3 }), (list, slots) => {
      const run = new BrokerRun().hello();
      const tasks = list.map(({ priority, walltimeMs }, key) =>
        task(key, { priority, ...(walltimeMs !== undefined && { needs: { walltimeMs } }) }),
      );
      run.submit(...tasks).register({ slots });
      const done = new Set<number>();
      for (let next = run.keysAt('m1').find((key) => !done.has(key)); next !== undefined; ) {
        done.add(next);
        run.finish('m1', next);
        next = run.keysAt('m1').find((key) => !done.has(key));
      }
      const sorted = [...tasks].sort((a, b) => a.priority - b.priority || a.key - b.key).map(({ key }) => key);
      expect(run.keysAt('m1')).toEqual(sorted);
    }),
  );
});
