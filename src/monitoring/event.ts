import type { TaskStatus } from '../kernel/task.js';
import type { Usage } from '../wire/outcome.js';

/** A task was submitted; its status is `waiting`. Times are milliseconds since the epoch. */
export interface TaskCreated {
  readonly kind: 'taskCreated';
  readonly atMs: number;
  readonly taskId: number;
  readonly app: string;
}

/** A task went from one status to another. */
export interface TaskStatusChanged {
  readonly kind: 'taskStatus';
  readonly atMs: number;
  readonly taskId: number;
  readonly app: string;
  readonly from: TaskStatus;
  readonly status: TaskStatus;
}

/** An attempt of a task was given to an executor. */
export interface AttemptStarted {
  readonly kind: 'attemptStarted';
  readonly atMs: number;
  readonly taskId: number;
  readonly app: string;
  readonly attempt: number;
  readonly executor: string;
}

/** An executor answered, or gave an attempt up. */
export interface AttemptEnded {
  readonly kind: 'attemptEnded';
  readonly atMs: number;
  readonly taskId: number;
  readonly app: string;
  readonly attempt: number;
  readonly executor: string;
  /** Absent or `undefined` when the attempt ended well. */
  readonly error?: string | undefined;
  /** Absent or `undefined` when no answer came from the worker. */
  readonly usage?: Usage | undefined;
}

/**
 * A `temp:` file that a task needs is lost, and what made it runs again, as a task of its own, whose `taskCreated` comes
 * next.
 */
export interface TaskRecovery {
  readonly kind: 'taskRecovery';
  readonly atMs: number;
  readonly taskId: number;
  readonly app: string;
  /** The task that made the file first. */
  readonly of: number;
  /** URL of the file. */
  readonly file: string;
}

/** Something a run wants known: one event for each transition of a task, and two for each attempt. */
export type RunEvent = TaskCreated | TaskStatusChanged | AttemptStarted | AttemptEnded | TaskRecovery;

/** Gets every event of a run, in order. Called synchronously and often: keep it cheap, and never throw. */
export interface Monitor {
  record(event: RunEvent): void;
  close(): Promise<void>;
}
