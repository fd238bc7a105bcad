import type { TaskStatus } from '../kernel/task.js';
import type { Usage } from '../wire/outcome.js';

/** Something a run wants known. Times are milliseconds since the epoch. */
export type RunEvent =
  | { readonly kind: 'taskCreated'; readonly atMs: number; readonly taskId: number; readonly app: string }
  | {
      readonly kind: 'taskStatus';
      readonly atMs: number;
      readonly taskId: number;
      readonly app: string;
      readonly status: TaskStatus;
    }
  | {
      readonly kind: 'attemptStarted';
      readonly atMs: number;
      readonly taskId: number;
      readonly app: string;
      readonly attempt: number;
      readonly executor: string;
    }
  | {
      readonly kind: 'attemptEnded';
      readonly atMs: number;
      readonly taskId: number;
      readonly app: string;
      readonly attempt: number;
      readonly executor: string;
      /** Absent when the attempt ended well. */
      readonly error?: string;
      /** Absent when no answer came from the worker. */
      readonly usage?: Usage;
    };

/** Gets every event of a run, in order. Called synchronously and often: keep it cheap, and never throw. */
export interface Monitor {
  record(event: RunEvent): void;
  close(): Promise<void>;
}
