import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
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

/** What a pool gives a thread for one attempt. */
export interface ThreadTask {
  readonly envelope: TaskEnvelope;
  /** Says that the task has begun; any message on it asks the task to end early. */
  readonly link?: MessagePort;
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
 * The main of a pool's thread: runs one attempt. When the app left something that would run on into the next task, the
 * outcome goes to the pool as a message, and the pool ends this thread.
 */
export default async function runOnThread(task: ThreadTask): Promise<Outcome> {
  current = attemptName(task.envelope);
  const startedMs = performance.now();
  const outcome = task.link === undefined ? await runner.run(task.envelope) : await runLinked(task.envelope, task.link);
  // An error that the app left uncaught shows on the next turn of the event loop: it must not hit the next task.
  await nextTurn();
  if (!leftSomething(task.envelope, outcome, performance.now() - startedMs)) return outcome;
  parentPort?.postMessage({ kind: 'spent', attempt: current, outcome });
  return new Promise(() => {});
}

async function runLinked(envelope: TaskEnvelope, link: MessagePort): Promise<Outcome> {
  const stopped = new AbortController();
  link.on('message', () => stopped.abort(new SluiceError('CANCELLED', 'the task was stopped')));
  link.postMessage('started');
  try {
    return await runner.run(envelope, stopped.signal);
  } finally {
    link.close();
  }
}

// Timers that hold the event loop, or a function that was given up at its walltime and awaits something still.
function leftSomething({ app, walltimeMs }: TaskEnvelope, outcome: Outcome, tookMs: number): boolean {
  if (app.kind === 'function' && outcome.kind === 'error' && walltimeMs !== undefined && tookMs >= walltimeMs) {
    return true;
  }
  return process.getActiveResourcesInfo().includes('Timeout');
}
