import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import type { LambdaThreadMessage, LambdaThreadTask } from './lambda-thread-message.js';
import { createTaskRunner, type RunnerParts } from './task-runner.js';
import { createUncaughtGuard } from './uncaught-guard.js';

/** Runs the tasks that come on `port`, one after the other. */
export function serveLambdaThread(port: MessagePort, parts: Omit<RunnerParts, 'onClock'>): void {
  const tell = (message: LambdaThreadMessage): void => port.postMessage(message);
  const runner = createTaskRunner({ ...parts, onClock: (running) => tell({ kind: 'clock', running }) });
  const guard = createUncaughtGuard((error) => tell({ kind: 'uncaught', error: encodeError(error, { app: '' }) }));
  port.on('message', async ({ envelope }: LambdaThreadTask) => {
    const outcome = await guard.run(() => runner.run(envelope)).catch((error) => refusal(error, envelope));
    // An error that the app left uncaught shows on the next turn of the event loop.
    await nextTurn();
    tell({ kind: 'outcome', outcome, spent: process.getActiveResourcesInfo().includes('Timeout') });
  });
}

function refusal(error: unknown, { app }: TaskEnvelope): Outcome {
  const usage = { runMs: 0, stagingMs: 0, where: hostname() };
  return { kind: 'error', error: encodeError(error, { app: app.name }), usage };
}
