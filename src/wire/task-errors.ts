import { SluiceError } from '../errors.js';
import type { TaskEnvelope } from './task-envelope.js';

/** The error of a task that ran longer than it may. */
export function walltimeError(envelope: TaskEnvelope): SluiceError {
  const { app, taskId, walltimeMs } = envelope;
  return new SluiceError(
    'WALLTIME',
    `task ${taskId} '${app.name}' ran longer than its walltime of ${walltimeMs} ms: give it more, or less to do`,
  );
}
