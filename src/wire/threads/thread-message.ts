import type { MessagePort } from 'node:worker_threads';
import type { Outcome } from '../outcome.js';
import type { TaskEnvelope } from '../task-envelope.js';

/** What a pool gives a thread at a time. */
export type ThreadWork =
  /**
   * Small tasks together: {@link encodeBatch} wrote `tasks`; `board` is the memory of their ClaimBoard, in whose inbox more
   * batches may follow.
   */
  | { readonly kind: 'batch'; readonly id: number; readonly tasks: Uint8Array; readonly board: SharedArrayBuffer }
  /** A task that is large, has a walltime, or runs a command. */
  | { readonly kind: 'single'; readonly id: number; readonly envelope: TaskEnvelope; readonly link?: MessagePort };
// `link`: says that the task has begun; any message on it asks the task to end early.

/** What a thread answers when its work is over. Outcomes of a batch are on its board, but for one that does not fit. */
export interface ThreadAnswer {
  /** Ended the batch: what comes after it in the batch has not run. */
  readonly outcome?: Outcome;
  /** Index in the batch of the task with that outcome; 0 for a single task. */
  readonly index?: number;
}

/** What a thread says beside its answers. */
export type ThreadMessage =
  | {
      readonly kind: 'processGroup';
      readonly pid: number;
      readonly running: boolean;
      readonly startTicks?: string | undefined;
      readonly mark: string;
      readonly attempt: string;
    }
  /** The work is over, and the thread has to be ended before it gets more: the app left something running. */
  | { readonly kind: 'spent'; readonly id: number; readonly answer: ThreadAnswer };
