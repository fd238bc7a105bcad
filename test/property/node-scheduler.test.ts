import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NodeGrant, type NodeRequest, NodeScheduler } from '../../src/pilot/mpi/node-scheduler.js';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
// The bound of the scheduler's promise: later tasks, no more urgent, that may start before an earlier one.
const PASSES = 8;

type Step =
  | { readonly kind: 'request'; readonly nodes: number; readonly priority: number }
  | { readonly kind: 'release'; readonly which: number }
  | { readonly kind: 'giveUp'; readonly which: number };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      // Mostly small: what large ones are passed by.
      nodes: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: NODES.length })),
      priority: fc.constantFrom(0, 0, 0, 1, -1),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('giveUp' as const), which: fc.nat() }) },
);

/** What a simple model knows of the same tasks. */
class Model {
  readonly running = new Map<number, readonly string[]>();
  readonly waiting = new Map<number, NodeRequest & { passes: number }>();

  started({ key, nodes }: NodeGrant): void {
    const task = this.waiting.get(key);
    expect(task, `task ${key} was not waiting`).toBeDefined();
    this.waiting.delete(key);
    expect(new Set(nodes).size).toBe(task?.nodes);
    const taken = [...this.running.values()].flat();
    for (const node of nodes) {
      expect(NODES).toContain(node);
      expect(taken).not.toContain(node);
    }
    this.running.set(key, nodes);
    for (const earlier of this.waiting.values()) {
      if (earlier.key > key || earlier.priority > (task?.priority ?? 0)) continue;
      earlier.passes += 1;
      expect(earlier.passes, `task ${earlier.key} starves`).toBeLessThanOrEqual(PASSES);
    }
  }
}

const keyAt = (tasks: ReadonlyMap<number, unknown>, which: number): number | undefined =>
  [...tasks.keys()][which % Math.max(1, tasks.size)];

test('no node is given twice, none is lost, and no task is passed over more often than promised', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 20, maxLength: 200 }), (steps) => {
      const scheduler = new NodeScheduler(NODES);
      const model = new Model();
      const take = (grants: readonly NodeGrant[]): void => {
        for (const grant of grants) model.started(grant);
        const given = [...model.running.values()].flat().length;
        expect(scheduler.free).toBe(NODES.length - given);
        expect(scheduler.waiting).toBe(model.waiting.size);
      };
      const release = (key: number | undefined): void => {
        if (key === undefined) return;
        model.running.delete(key);
        model.waiting.delete(key);
        take(scheduler.release(key));
      };
      for (const [key, step] of steps.entries()) {
        if (step.kind === 'request') {
          const request = { key, nodes: step.nodes, priority: step.priority };
          model.waiting.set(key, { ...request, passes: 0 });
          take(scheduler.request(request));
        } else release(keyAt(step.kind === 'release' ? model.running : model.waiting, step.which));
      }
      // Whoever waits starts some time, when those that run end.
      while (model.running.size > 0) release(keyAt(model.running, 0));
      expect(model.waiting.size).toBe(0);
      expect(scheduler.free).toBe(NODES.length);
    }),
    { numRuns: 400 },
  );
});
