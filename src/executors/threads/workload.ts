import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { ThreadAnswer, ThreadWork } from '../../wire/threads/thread-message.js';
import type { ThreadTask } from './thread-task.js';

/** What a pool gives a thread at a time: one task, or several that travel together. */
export interface ThreadWorkload {
  readonly id: number;
  /** The message for the thread. */
  readonly work: ThreadWork;
  readonly transferList: readonly MessagePort[];
  /** Emits `abort` when the thread has to be ended. */
  readonly terminate: Termination;
  /** Ends whatever of it runs. */
  stop(reason: unknown): void;
  /** Whether tasks wait behind one that runs. */
  readonly mayStall: boolean;
  /** If its tasks are held up by one that takes long: those that have not begun, which are no longer part of it. */
  takeBackStalled(): readonly ThreadTask[];
  /** Those of its tasks that have not begun, which are no longer part of it. */
  takeBack(): readonly ThreadTask[];
  /** Answers for all of its tasks that have none yet. Called after {@link takeBack}; again, it does nothing. */
  end(end: WorkloadEnd): void;
}

/** Where a task is that has been given to a thread. */
export interface TaskPlace {
  /** The task is no longer wanted. */
  giveUp(task: ThreadTask, reason: unknown): void;
}

/** The thread has answered, and answers no more; or it has ended. */
export type WorkloadEnd =
  | { readonly kind: 'finished'; readonly answer: ThreadAnswer }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Says once that a thread has to be ended; as good as an AbortSignal to piscina, and a twentieth of its price. */
export class Termination extends EventEmitter {
  aborted = false;

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.emit('abort');
  }
}

let lastId = 0;

/** Tells workloads apart in what threads say. */
export function nextWorkloadId(): number {
  return ++lastId;
}
