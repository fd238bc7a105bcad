import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';

/** Tells whether a task left something on its worker that would run on into the next one. */
export interface Leftovers {
  /** A module or a context of an app is there: the timers that it keeps are the worker's. */
  onLoaded(): void;
  /** Whether this task, which is over, left something. */
  after(envelope: TaskEnvelope, outcome: Outcome, tookMs: number): boolean;
}

export function createLeftovers(): Leftovers {
  let timersOfWorker = 0;
  return {
    onLoaded() {
      timersOfWorker = countTimers();
    },
    // Timers that hold the event loop, or a function that was given up at its walltime and awaits something still.
    after({ app, walltimeMs }, outcome, tookMs) {
      if (app.kind === 'function' && outcome.kind === 'error' && walltimeMs !== undefined && tookMs >= walltimeMs) {
        return true;
      }
      return countTimers() > timersOfWorker;
    },
  };
}

function countTimers(): number {
  let count = 0;
  for (const resource of process.getActiveResourcesInfo()) if (resource === 'Timeout') count += 1;
  return count;
}
