import { expect, test } from 'vitest';
import { FAULTS, runFaultyTasks } from './faulty-tasks.js';

test('300 tasks under every fault there is: each result right, delivered once, every output whole', async () => {
  const run = await runFaultyTasks({ count: 300, environments: 16 });
  expect(run).toMatchObject({ wrong: [], notEndedOnce: [], wrongOutputs: [] });
  expect(run.runs.size).toBe(300);
  expect(run.attempts).toBeGreaterThan(300);
  const common = FAULTS.filter(({ service, probability = 0 }) => service === undefined && probability >= 0.05);
  for (const { name = '' } of common) expect(run.injected.get(name), name).toBeGreaterThan(0);
}, 120_000);
