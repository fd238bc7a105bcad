import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { memoryExceeded, neighbourLost, workerFailure } from '../../../src/pilot/worker-failure.js';
import type { WorkerEnding } from '../../../src/pilot/worker-process.js';
import { encodeError } from '../../../src/wire/error-codec.js';

const casualty = { taskId: 7, app: 'count' };
const plain: WorkerEnding = { exitCode: null, signal: null, isHeapFull: false, stderrTail: 'last words', claimed: 0 };

test.each<[string, Partial<WorkerEnding>, string, string, string]>([
  ['an exit code', { exitCode: 3 }, 'TASK_EXITED', 'app', 'exit code 3'],
  ['a crash', { signal: 'SIGBUS' }, 'TASK_EXITED', 'app', 'SIGBUS'],
  ['an abort', { signal: 'SIGABRT' }, 'TASK_EXITED', 'app', 'SIGABRT'],
  ['an abort for want of heap', { signal: 'SIGABRT', isHeapFull: true }, 'OUT_OF_MEMORY', 'app', 'JavaScript heap'],
  ['SIGKILL', { signal: 'SIGKILL' }, 'WORKER_LOST', 'infrastructure', 'when memory runs out'],
  ['another signal', { signal: 'SIGTERM' }, 'WORKER_LOST', 'infrastructure', 'SIGTERM'],
  [
    'an uncaught error',
    { exitCode: 1, uncaught: encodeError(new RangeError('too far'), { app: '' }) },
    'TASK_EXITED',
    'app',
    'too far',
  ],
])('%s is told with task, app, node and last lines', (_, ending, code, errorClass, says) => {
  const error = workerFailure({ ...plain, ...ending }, casualty);
  expect(error).toMatchObject({ code, class: errorClass });
  for (const part of [says, `task 7 'count' on ${hostname()}`, "Last lines of the worker's stderr:\nlast words"]) {
    expect(error.message).toContain(part);
  }
});

test('neighbours and memory are told by name as well', () => {
  expect(neighbourLost(casualty)).toMatchObject({ code: 'WORKER_LOST', class: 'infrastructure' });
  const error = memoryExceeded(casualty, { usedMiB: 300.2, limitMiB: 256 });
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringMatching(/301 MiB.* 256 MiB/) });
});
