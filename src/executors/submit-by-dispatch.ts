import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import type { Abortable, DispatchedAttempt } from './executor.js';

/** `Executor.submit` in terms of its `dispatch`. */
export function submitByDispatch(
  dispatch: (attempt: DispatchedAttempt) => Abortable,
  envelope: TaskEnvelope,
  signal: AbortSignal,
): Promise<Outcome> {
  if (signal.aborted) return Promise.reject(signal.reason);
  let stopListening = (): void => {};
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const { priority } = envelope;
    const task = dispatch({ envelope: () => envelope, priority, onOutcome: resolve, onFailure: reject });
    const onAbort = (): void => task.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    stopListening = () => signal.removeEventListener('abort', onAbort);
  });
  return outcome.finally(() => stopListening());
}
