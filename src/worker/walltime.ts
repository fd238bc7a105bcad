import type { TaskEnvelope } from '../wire/task-envelope.js';
import { walltimeError } from '../wire/task-errors.js';

// A command that is stopped needs a moment to end; a function that does not yield has to be stopped from outside.
const COMMAND_GRACE_MS = 3_000;

/**
 * Runs `work` until it ends or its walltime passes: `WALLTIME`, with the signal that `work` got aborted. It aborts with
 * `signal` too. Code that never yields to the event loop has to be stopped from outside the worker.
 */
export async function withinWalltime<T>(
  envelope: TaskEnvelope,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { walltimeMs, app } = envelope;
  if (walltimeMs === undefined) return work(signal);
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      limit.abort(walltimeError(envelope));
      timer = setTimeout(() => reject(limit.signal.reason), app.kind === 'bash' ? COMMAND_GRACE_MS : 0);
    }, walltimeMs);
  });
  try {
    return await Promise.race([work(AbortSignal.any([limit.signal, ...(signal ? [signal] : [])])), over]);
  } finally {
    clearTimeout(timer);
  }
}
