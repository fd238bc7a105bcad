import { messageOf, SluiceError } from '../../errors.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';

/**
 * Why a thread gave no outcome: stopped from here (`reason`), its heap full, ended by the app, or an error the app
 * left uncaught. The runner turns every error it can catch into an outcome, so nothing else gets here.
 */
export function threadFailure(error: unknown, envelope: TaskEnvelope, reason: unknown): unknown {
  if (reason !== undefined) return reason;
  const task = `task ${envelope.taskId} '${envelope.app.name}'`;
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new SluiceError(
      'OUT_OF_MEMORY',
      `${task} used up the JavaScript heap of its thread: give ThreadPoolExecutor a larger maxHeapMiB, or the task less to hold`,
      { cause: error },
    );
  }
  const exit = /^worker exited with code: (\d+)$/.exec(messageOf(error));
  if (exit !== null) {
    return new SluiceError(
      'TASK_EXITED',
      `${task} ended its thread with process.exit(${exit[1]}): return or throw instead`,
    );
  }
  return new SluiceError('TASK_EXITED', `${task} left an error uncaught, which ended its thread: ${messageOf(error)}`, {
    cause: error,
  });
}
