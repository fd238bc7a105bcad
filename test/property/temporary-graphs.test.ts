import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { AppFuture, RunEvent } from 'sluice';
import { expect, test } from 'vitest';
import { DataFlowKernel } from '../../src/kernel/dataflow-kernel.js';
import { kernelParts } from '../fixtures/kernel/kernel-parts.js';
import { World } from './temporary-graphs/world.js';

const CODE = { name: 'node', kind: 'function', source: '', hash: '', io: false, arity: 9, definedIn: '' } as const;

interface Node {
  /** Earlier nodes it reads. */
  readonly reads: readonly number[];
  readonly executor: string;
}

const graph = fc.record({
  nodes: fc.array(
    fc.record({ reads: fc.array(fc.nat(30), { maxLength: 3 }), executor: fc.constantFrom('shared', 'a', 'b') }),
    { minLength: 2, maxLength: 8 },
  ),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom(
        'finish',
        'finish',
        'finish',
        'lose',
        'delete',
        'delete',
        'call',
        'call',
        'call',
        'release',
        'release',
      ),
      pick: fc.nat(100),
    }),
    { minLength: 20, maxLength: 80 },
  ),
});

/** What the file of a node holds, whatever happened on the way. */
function textOf(nodes: readonly Node[], index: number): string {
  return `${index}(${inputsOf(nodes, index)
    .map((input) => textOf(nodes, input))
    .join()})`;
}

function inputsOf(nodes: readonly Node[], index: number): number[] {
  return index === 0 ? [] : [...new Set((nodes[index] as Node).reads.map((read) => read % index))];
}

test('however files and workers are lost, what is made of them is right, each task runs alone, and nothing is left', async () => {
  let recoveries = 0;
  const property = fc.asyncProperty(graph, async ({ nodes, steps }) => {
    const world = new World();
    const record = (event: RunEvent) => {
      if (event.kind === 'taskRecovery') recoveries += 1;
    };
    const kernel = new DataFlowKernel(
      kernelParts({
        executors: [world.executor('shared', false), world.executor('a', true), world.executor('b', true)],
        temporary: world.homes,
        infrastructureRetries: 1_000,
        monitors: [{ record, close: async () => {} }],
        random: () => 0,
      }),
    );
    const futures: AppFuture<unknown>[] = [];
    const call = (index: number, executor: string): void => {
      const inputs = inputsOf(nodes, index).map((input) => futures[input]?.outputs[0]);
      const request = { executors: [executor], work: { kind: 'remote', code: CODE } as const };
      futures.push(
        kernel.submit({ ...request, appName: `${index}`, outputs: [`temp:${index}`] }, [`${index}`, ...inputs]),
      );
    };
    const released = new Set<number>();
    const deletions = new Map<string, number>();
    for (const { kind, pick } of steps) {
      const next = futures.length;
      const some = world.pending[pick % Math.max(1, world.pending.length)];
      const at = [...world.files.keys()][pick % Math.max(1, world.files.size)];
      if (kind === 'call' && next < nodes.length) call(next, (nodes[next] as Node).executor);
      else if (kind === 'finish') some?.finish();
      else if (kind === 'lose') some?.lose();
      else if (kind === 'delete' && at !== undefined) {
        const name = at.slice(at.lastIndexOf('/'));
        deletions.set(name, (deletions.get(name) ?? 0) + 1);
        // One more than a file is made again for is not this test's affair.
        if ((deletions.get(name) ?? 0) <= 3) world.files.delete(at);
      } else if (kind === 'release') {
        const index = pick % Math.max(1, next);
        // Who has yet to be called would be refused.
        const isRead = nodes.some((_, later) => later >= next && inputsOf(nodes, later).includes(index));
        if (next > 0 && !isRead) {
          released.add(index);
          futures[index]?.outputs[0]?.release();
        }
      }
      await setImmediate();
    }
    while (futures.length < nodes.length) call(futures.length, (nodes[futures.length] as Node).executor);
    const idle = async (): Promise<void> => {
      let isIdle = false;
      void kernel.waitForAll().then(() => {
        isIdle = true;
      });
      for (await setImmediate(); !isIdle; await setImmediate()) world.pending[0]?.finish();
    };
    await idle();
    expect(futures.map(({ status }) => status)).toEqual(nodes.map(() => 'done'));

    const left = [...futures.keys()].filter((index) => !released.has(index));
    const readers = left.map((index) => {
      const request = { executors: [['shared', 'a', 'b'][index % 3] as string], outputs: [] };
      const work = { kind: 'remote', code: CODE } as const;
      return kernel.submit({ ...request, appName: `read ${index}`, work }, [
        `read ${index}`,
        futures[index]?.outputs[0],
      ]);
    });
    await idle();
    expect(await Promise.all(readers)).toEqual(left.map((index) => `read ${index}(${textOf(nodes, index)})`));

    for (const future of futures) future.outputs[0]?.release();
    for (let round = 0; round < 3; round++) await setImmediate();
    expect([...world.files.keys()]).toEqual([]);
    await kernel.close();
  });
  await fc.assert(property, { numRuns: 2_000 });
  expect(recoveries).toBeGreaterThan(200);
});
