import assert from 'node:assert/strict';
import type { Resources } from '../../wire/task-envelope.js';
import { callOf } from './calls.js';
import type { Check } from './fixture.js';
import { run } from './outcomes.js';

// A record, so that the compiler asks for every key there is.
const KNOWN_RESOURCES: Readonly<Record<keyof Resources, true>> = {
  cores: true,
  memoryMiB: true,
  accelerators: true,
  nodes: true,
  ranks: true,
  ranksPerNode: true,
  launcherOptions: true,
};

/** Load, usage and capabilities tell the truth. */
export function bookkeeping(check: Check): void {
  check('load counts what is outstanding', async ({ executor }) => {
    assert.equal(executor.load().outstanding, 0);
    const task = run(
      executor,
      callOf(() => 1, []),
    );
    assert.equal(executor.load().outstanding, 1);
    await task;
    assert.equal(executor.load().outstanding, 0);
    assert.ok(executor.load().capacity >= 1);
  });
  check('usage says how long the code ran, and where', async ({ executor }) => {
    const { usage } = await run(
      executor,
      callOf((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), [60]),
    );
    assert.ok(usage.runMs >= 55, `runMs is ${usage.runMs}`);
    assert.notEqual(usage.where, '');
    // A worker that shares its process with others cannot tell its own.
    assert.ok(usage.peakMemoryMiB === undefined || usage.peakMemoryMiB > 1);
  });
  check('it declares resources it knows', async ({ executor }) => {
    for (const key of executor.capabilities.resources) assert.ok(Object.hasOwn(KNOWN_RESOURCES, key), key);
  });
}
