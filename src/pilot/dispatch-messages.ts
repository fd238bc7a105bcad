import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';

/** A task of a manager, from its arrival to its end. */
export interface HeldTask {
  readonly task: PilotTask;
  /** Workers whose share it takes; it runs on one of them. */
  readonly slots: number;
  /** Whether it is small and needs no word with its worker: it may travel with others. */
  readonly mayShare: boolean;
  /** Set while it runs; such a task has its worker to itself. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** No result is owed for it any more. */
  isCancelled: boolean;
  /** What it adds to the work of its worker, in milliseconds, as it was expected when it was given out. */
  expectedMs: number;
  /** Its number on the worker it was given to. */
  sequence: number;
  /** Rank of that worker; -1 while it waits. */
  worker: number;
}

/** What happens to a manager's tasks. */
export type DispatchEvent =
  | { readonly kind: 'tasks'; readonly tasks: readonly HeldTask[] }
  | { readonly kind: 'cancel'; readonly keys: readonly number[] }
  | { readonly kind: 'ready'; readonly worker: number }
  | {
      readonly kind: 'results';
      readonly worker: number;
      readonly results: readonly PilotResult[];
      readonly runMs: readonly number[];
    }
  | { readonly kind: 'returned'; readonly worker: number; readonly keys: readonly number[] }
  /** It takes no more, and gives these back. */
  | { readonly kind: 'spent'; readonly worker: number; readonly keys: readonly number[] }
  /** `claimed`: number of the last task it noted before it began. */
  | { readonly kind: 'gone'; readonly worker: number; readonly claimed: number }
  /** No more than `keep` shall wait here. */
  | { readonly kind: 'surplus'; readonly keep: number }
  | { readonly kind: 'tick' };

/** What is to be done then. */
export type DispatchCommand =
  /** Give these to a worker, in order. `slots`: ranks of all workers whose share a large task takes, its own first. */
  | {
      readonly kind: 'run';
      readonly worker: number;
      readonly tasks: readonly HeldTask[];
      readonly slots: readonly number[];
    }
  | { readonly kind: 'revoke'; readonly worker: number; readonly keys: readonly number[] }
  /** A task that runs is no longer wanted. */
  | { readonly kind: 'stop'; readonly worker: number; readonly held: HeldTask }
  /** A worker that is spent: let it end. */
  | { readonly kind: 'retire'; readonly worker: number }
  | { readonly kind: 'start'; readonly worker: number }
  /** Somebody else may have them: they have not begun. */
  | { readonly kind: 'giveBack'; readonly tasks: readonly HeldTask[] }
  | { readonly kind: 'deliver'; readonly results: readonly PilotResult[] }
  /** Its worker ended while it ran. */
  | { readonly kind: 'blame'; readonly worker: number; readonly held: HeldTask }
  /** Its worker ended before its result was on its way. */
  | { readonly kind: 'lost'; readonly worker: number; readonly held: HeldTask };
