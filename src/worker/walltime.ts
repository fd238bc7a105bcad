import { walltimeError } from '../wire/task-errors.js';
import type { Attempt } from './attempt.js';

// A command that is stopped needs a moment to end; a function that does not yield has to be stopped from outside.
const COMMAND_GRACE_MS = 3_000;

/**
 * Runs `work` until it ends or its walltime passes: `WALLTIME`, with the signal that `work` got aborted. It aborts with
 * the attempt's signal too. Code that never yields to the event loop has to be stopped from outside the worker: `onClock`
 * is told when the time begins, and when it ends.
 */
export async function withinWalltime<T>(
  { envelope, signal }: Pick<Attempt, 'envelope' | 'signal'>,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  onClock?: (running: boolean) => void,
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
  onClock?.(true);
  try {
    return await Promise.race([work(AbortSignal.any([limit.signal, ...(signal ? [signal] : [])])), over]);
  } finally {
    clearTimeout(timer);
    onClock?.(false);
  }
}
