import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import type { Outcome } from '../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../wire/task-envelope.js';
import { createBackends } from './backends.js';
import { createTaskRunner } from './task-runner.js';

/** What a thread pool gives each of its threads. */
export interface ThreadData {
  readonly scratchRoot: string;
}

// Piscina wraps the pool's workerData in an array, its own part first.
const data = (Array.isArray(workerData) ? workerData.at(-1) : workerData) as ThreadData | undefined;
let current = '';

const runner = createTaskRunner({
  backends: createBackends(),
  scratchRoot: data?.scratchRoot ?? join(tmpdir(), 'sluice'),
  sharesProject: true,
  runnerUrl: import.meta.url,
  onProcessGroup: (change) => {
    parentPort?.postMessage({ kind: 'processGroup', ...change, attempt: current });
  },
});

/**
 * The main of a pool's thread: runs one attempt. Where there is a `link` to the pool, tells it that the task has begun;
 * any message on it asks the task to end early.
 */
export default async function runOnThread(task: {
  readonly envelope: TaskEnvelope;
  readonly link?: MessagePort;
}): Promise<Outcome> {
  const { envelope, link } = task;
  if (link === undefined) return runner.run(envelope);
  current = attemptName(envelope);
  const stopped = new AbortController();
  link.on('message', () => stopped.abort(new SluiceError('CANCELLED', 'the task was stopped')));
  link.postMessage('started');
  try {
    return await runner.run(envelope, stopped.signal);
  } finally {
    link.close();
  }
}
