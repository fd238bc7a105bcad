import { app, type DataFlowKernel, ThreadPoolExecutor } from 'sluice';
import { expect, test } from 'vitest';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

/** Appends its name to a file, after waiting for a file to be there. */
const noting = (kernel: DataFlowKernel, priority: number) =>
  app(
    async (name: string, log: string, gate: string) => {
      const { appendFile, access } = await import('node:fs/promises');
      while (
        !(await access(gate).then(
          () => true,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, 2));
      await appendFile(log, `${name} `);
    },
    { name: 'noting', priority, kernel },
  );

test('on threads what has a lower priority number runs sooner, and equals in the order of their calls', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const { writeFile, readFile } = await import('node:fs/promises');
  const [log, gate] = [`${run.folder}/log`, `${run.folder}/gate`];
  const [urgent, plain, late] = [-1, 0, 5].map((priority) => noting(run.kernel, priority)) as [
    ReturnType<typeof noting>,
    ReturnType<typeof noting>,
    ReturnType<typeof noting>,
  ];
  // It occupies the one thread until all others have been submitted.
  const first = plain('first', log, gate);
  while (run.kernel.stats().byStatus.launched !== 1) await new Promise((resolve) => setImmediate(resolve));
  const rest = [
    late('e', log, gate),
    plain('c', log, gate),
    urgent('a', log, gate),
    plain.with({ priority: 4 })('d', log, gate),
    urgent('b', log, gate),
  ];
  await writeFile(gate, '');
  await Promise.all([first, ...rest]);
  const order = (await readFile(log, 'utf8')).trim().split(' ');
  expect(order[0]).toBe('first');
  expect(order.slice(1)).toEqual(['a', 'b', 'c', 'd', 'e']);
});
