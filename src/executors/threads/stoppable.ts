import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { walltimeError } from '../../wire/task-errors.js';

// A thread that runs a command gets this long to end it by itself; code that never yields is ended at once.
const COMMAND_GRACE_MS = 4_000;
// The worker's own timer comes first: its error has the better place to clean up.
const WALLTIME_SLACK_MS = 200;

/** A task on a thread, as far as stopping it goes. */
export interface Stoppable {
  /** Why the task was stopped; `undefined` if it was not. */
  readonly reason: unknown;
  /** The task began to run: its walltime counts from now. */
  started(): void;
  /** Asks a command to stop, and ends its thread only if it does not; ends the thread of a function at once. */
  stop(reason: unknown): void;
  /** The task is over: no timer is left. */
  over(): void;
}

/** Watches over one task; `ask` tells its thread to stop by itself, `terminate` ends the thread. */
export function createStoppable(envelope: TaskEnvelope, means: { ask(): void; terminate(): void }): Stoppable {
  let why: unknown;
  let grace: NodeJS.Timeout | undefined;
  let limit: NodeJS.Timeout | undefined;
  const stop = (reason: unknown): void => {
    if (why !== undefined) return;
    why = reason;
    if (envelope.app.kind !== 'bash') {
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
      if (envelope.walltimeMs === undefined) return;
      limit = setTimeout(() => stop(walltimeError(envelope)), envelope.walltimeMs + WALLTIME_SLACK_MS);
    },
    stop,
    over() {
      clearTimeout(limit);
      clearTimeout(grace);
    },
  };
}
