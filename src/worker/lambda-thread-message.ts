import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';

/** What the worker function's main thread gives its thread. */
export interface LambdaThreadTask {
  readonly envelope: TaskEnvelope;
}

/** What the thread says of its task. */
export type LambdaThreadMessage =
  /** The user's code begins, or has ended. */
  | { readonly kind: 'clock'; readonly running: boolean }
  /** It left an error uncaught: an encoded one. The thread is of no more use. */
  | { readonly kind: 'uncaught'; readonly error: Uint8Array }
  /** `spent`: the app left something running, so no other task may come to this thread. */
  | { readonly kind: 'outcome'; readonly outcome: Outcome; readonly spent: boolean };

/** The thread's `workerData`: its main is that of the function. */
export const LAMBDA_THREAD = 'sluice-lambda-thread';
