import { expect, test } from 'vitest';
import { FAULTS, runFaultyTasks } from '../integration/faulty-tasks.js';

test('2,000 tasks under every fault there is: each result right, delivered once, every output whole', async () => {
  const run = await runFaultyTasks({ count: 2000, environments: 32 });
  expect(run).toMatchObject({ wrong: [], notEndedOnce: [], wrongOutputs: [] });
  expect(run.runs.size).toBe(2000);
  expect(run.attempts).toBeGreaterThan(2000);
  for (const { name = '' } of FAULTS) expect(run.injected.get(name), name).toBeGreaterThan(0);
}, 300_000);
