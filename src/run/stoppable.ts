import type { AppCode } from '../wire/task-envelope.js';
import { type TimedTask, walltimeError } from '../wire/task-errors.js';

// A worker that runs a command gets this long to end it by itself; code that never yields is ended at once.
const COMMAND_GRACE_MS = 4_000;
// The worker's own timer comes first: its error has the better place to clean up.
const WALLTIME_SLACK_MS = 200;

/** What of a task stopping it depends on. */
export interface StoppableTask extends TimedTask {
  readonly app: Pick<AppCode, 'name' | 'kind'>;
}

/** A task on a worker of its own (a thread, a process), as far as stopping it goes. */
export interface Stoppable {
  /** Why the task was stopped; `undefined` if it was not. */
  readonly reason: unknown;
  /** The task began to run: its walltime counts from now. */
  started(): void;
  /** Asks a command to stop, and ends its worker only if it does not; ends the worker of a function at once. */
  stop(reason: unknown): void;
  /** The task is over: no timer is left. */
  over(): void;
}

/** Watches over one task; `ask` tells its worker to stop by itself, `terminate` ends the worker. */
export function createStoppable(task: StoppableTask, means: { ask(): void; terminate(): void }): Stoppable {
  let why: unknown;
  let grace: NodeJS.Timeout | undefined;
  let limit: NodeJS.Timeout | undefined;
  const stop = (reason: unknown): void => {
    if (why !== undefined) return;
    why = reason;
    if (task.app.kind !== 'bash') {
      means.terminate();
      return;
    }
    means.ask();
    grace = setTimeout(means.terminate, COMMAND_GRACE_MS);
  };
  return {
    get reason() {
      return why;
    },
    started() {
      if (task.walltimeMs === undefined) return;
      limit = setTimeout(() => stop(walltimeError(task)), task.walltimeMs + WALLTIME_SLACK_MS);
    },
    stop,
    over() {
      clearTimeout(limit);
      clearTimeout(grace);
    },
  };
}
