import { SluiceError } from '../errors.js';
import type { AppCode, TaskEnvelope } from './task-envelope.js';

/** What of a task its walltime concerns. */
export interface TimedTask extends Pick<TaskEnvelope, 'taskId' | 'walltimeMs'> {
  readonly app: Pick<AppCode, 'name'>;
}

/** The error of a task that ran longer than it may. */
export function walltimeError({ app, taskId, walltimeMs }: TimedTask): SluiceError {
  return new SluiceError(
    'WALLTIME',
    `task ${taskId} '${app.name}' ran longer than its walltime of ${walltimeMs} ms: give it more, or less to do`,
  );
}
