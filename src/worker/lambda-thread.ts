import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf, SluiceError } from '../errors.js';
import { decodeError, encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import { walltimeError } from '../wire/task-errors.js';
import { LAMBDA_THREAD, type LambdaThreadMessage } from './lambda-thread-message.js';

/** A thread of the worker function, for tasks that may have to be stopped though they never yield. */
export interface LambdaThread {
  /**
   * Runs one attempt; no two at a time. A thread that its task ended, by a walltime, `process.exit` or an uncaught error,
   * is an outcome too, and the next task gets another one.
   */
  run(envelope: TaskEnvelope): Promise<Outcome>;
}

// The thread's own timer comes first: its error has the better place to clean up.
const WALLTIME_SLACK_MS = 200;

type Ending =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'ended'; readonly error: unknown };

/** A thread that is started by its first task. `scratchRoot` is emptied whenever it has to be replaced. */
export function createLambdaThread(main: URL, scratchRoot: string): LambdaThread {
  let idle: Worker | undefined;
  const replace = async (thread: Worker): Promise<void> => {
    await thread.terminate();
    await rm(scratchRoot, { recursive: true, force: true }).catch(() => {});
  };
  return {
    async run(envelope) {
      const thread = idle ?? new Worker(main, { workerData: LAMBDA_THREAD });
      idle = undefined;
      const startedMs = performance.now();
      const { ending, spent } = await runOn(thread, envelope);
      if (spent) await replace(thread);
      else idle = thread;
      // What the task wrote to the thread's streams passes through this thread's.
      await nextTurn();
      if (ending.kind === 'outcome') return ending.outcome;
      const usage = { runMs: performance.now() - startedMs, stagingMs: 0, where: hostname() };
      return { kind: 'error', error: encodeError(ending.error, { app: envelope.app.name }), usage };
    },
  };
}

async function runOn(thread: Worker, envelope: TaskEnvelope): Promise<{ ending: Ending; spent: boolean }> {
  let limit: NodeJS.Timeout | undefined;
  // An idle thread must not keep a runtime waiting that watches for an empty event loop.
  thread.ref();
  try {
    return await new Promise((resolve) => {
      const ended = (error: unknown): void => resolve({ ending: { kind: 'ended', error }, spent: true });
      thread.once('error', (error) => ended(failureOf(error, envelope)));
      thread.once('exit', (code) => ended(exitError(envelope, code)));
      thread.on('message', (message: LambdaThreadMessage) => {
        clearTimeout(limit);
        if (message.kind === 'outcome') {
          resolve({ ending: { kind: 'outcome', outcome: message.outcome }, spent: message.spent });
        } else if (message.kind === 'uncaught') {
          ended(failureOf(decodeError(message.error), envelope));
        } else if (message.running) {
          limit = setTimeout(() => ended(walltimeError(envelope)), (envelope.walltimeMs ?? 0) + WALLTIME_SLACK_MS);
        }
      });
      thread.postMessage({ envelope });
    });
  } finally {
    clearTimeout(limit);
    // Each by its name: a worker has listeners of its own, which it cannot do without.
    for (const event of ['message', 'error', 'exit']) thread.removeAllListeners(event);
    // Whatever a thread without a task still fails by is nobody's.
    thread.on('error', (error) => process.stderr.write(`sluice: a thread ended: ${messageOf(error)}\n`));
    thread.unref();
  }
}

function failureOf(error: unknown, { taskId, app }: TaskEnvelope): SluiceError {
  const task = `task ${taskId} '${app.name}'`;
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new SluiceError('OUT_OF_MEMORY', `${task} used up the JavaScript heap of its thread`, { cause: error });
  }
  return new SluiceError('TASK_EXITED', `${task} left an error uncaught, which ended its thread: ${messageOf(error)}`, {
    cause: error,
  });
}

function exitError({ taskId, app }: TaskEnvelope, code: number): SluiceError {
  return new SluiceError(
    'TASK_EXITED',
    `task ${taskId} '${app.name}' ended its thread with process.exit(${code}): return or throw instead`,
  );
}
