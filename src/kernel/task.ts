import type { ErrorClass } from '../errors.js';

/** Where a task is in its life; `done`, `failed` and `cancelled` are final. */
export type TaskState =
  | { readonly kind: 'waiting'; readonly unresolved: number }
  | { readonly kind: 'launched'; readonly attempt: number }
  | { readonly kind: 'delayed'; readonly attempt: number }
  | { readonly kind: 'joining'; readonly unresolved: number; readonly attempt: number }
  | { readonly kind: 'done' }
  /** `attempts`: those made; 0 when a dependency failed. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly attempts: number }
  | { readonly kind: 'cancelled'; readonly error: unknown };

/** The words {@link TaskState} has for where a task is. */
export type TaskStatus = TaskState['kind'];

/** All that the rule book needs to know of a task. */
export interface Task {
  readonly state: TaskState;
  /** What is left to spend on repeating attempts that failed in the user's code; a failure costs 1 unless a policy says otherwise. */
  readonly retriesLeft: number;
  /** The same for attempts lost to infrastructure. */
  readonly infrastructureRetriesLeft: number;
}

/** Something that happened to a task. */
export type TaskEvent =
  | { readonly kind: 'dependencyDone' }
  | { readonly kind: 'dependencyFailed'; readonly error: unknown }
  | { readonly kind: 'attemptDone' }
  | {
      readonly kind: 'attemptFailed';
      readonly error: unknown;
      readonly class: ErrorClass;
      /** What repeating it takes from the budget of its class. */
      readonly cost: number;
      /** How long to wait before it is repeated, in milliseconds. */
      readonly delayMs: number;
    }
  | { readonly kind: 'delayOver' }
  | { readonly kind: 'joinReturned'; readonly unresolved: number }
  | { readonly kind: 'innerDone' }
  | { readonly kind: 'innerFailed'; readonly error: unknown }
  | { readonly kind: 'cancelled'; readonly error: unknown };

/** What the rim has to do next; at most one thing follows from one event. */
export type TaskCommand =
  | { readonly kind: 'launch'; readonly attempt: number }
  | { readonly kind: 'launchLater'; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: 'collectJoin' }
  | { readonly kind: 'settle' }
  /** Stop what runs, then settle. */
  | { readonly kind: 'abort' };

/** A task as it is created: its dependencies counted, its budgets full. */
export function createTask(options: { unresolved: number; retries: number; infrastructureRetries: number }): Task {
  return {
    state: { kind: 'waiting', unresolved: options.unresolved },
    retriesLeft: options.retries,
    infrastructureRetriesLeft: options.infrastructureRetries,
  };
}

/** Whether nothing more can happen to a task. */
export function isFinal(state: TaskState): boolean {
  return state.kind === 'done' || state.kind === 'failed' || state.kind === 'cancelled';
}
