import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { WORKER_GLOBALS } from '../../../../src/wire/code-shipping/worker-globals.js';

test('the globals a function may use are those of a worker thread: on Node 20 exactly, later versions have more', async () => {
  const thread = new URL('../../../fixtures/code-shipping/global-names.mjs', import.meta.url);
  const worker = new Worker(thread, { execArgv: [] });
  const names = await new Promise<string[]>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  const lacking = [...WORKER_GLOBALS].filter((name) => !names.includes(name));
  expect(lacking).toEqual([]);
  if (process.version.startsWith('v20.')) expect(names.sort()).toEqual([...WORKER_GLOBALS]);
});
