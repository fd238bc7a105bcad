import type { FileLike } from '../data/data-file.js';
import type { AppCode, Resources, StreamName } from '../wire/task-envelope.js';

/** What a task does: code shipped to a worker, or a join's body that runs in the client. */
export type Work =
  | { readonly kind: 'remote'; readonly code: AppCode }
  | { readonly kind: 'join'; readonly body: (call: JoinCall) => unknown };

/** What the body of a join gets, its dependencies resolved. */
export interface JoinCall {
  readonly args: readonly unknown[];
  readonly inputs: readonly unknown[];
  readonly outputs: readonly string[];
  readonly taskId: number;
  readonly attempt: number;
}

/** What a call of an app asks for beside its arguments, checked and normalized: one for all calls without options. */
export interface TaskRequest {
  readonly appName: string;
  /** Labels it may run on; `undefined` is every executor. */
  readonly executors: readonly string[] | undefined;
  readonly work: Work;
  /** URLs. */
  readonly outputs: readonly string[];
  /** What the app is told of outputs that another task puts where they belong: their URLs there. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly stdout?: LogTarget;
  readonly stderr?: LogTarget;
  /** Streams whose file is appended to. */
  readonly appends?: readonly StreamName[];
  readonly walltimeMs?: number;
  readonly resources?: Resources;
  readonly priority?: number;
  readonly label?: string;
  /** Budget for failures of the user's code; absent: the kernel's. */
  readonly retries?: number;
  /** Cancels the task when it aborts. */
  readonly signal?: AbortSignal;
}

/** Where a stream of a task goes: a file, or one the run directory names (`AUTO`). */
export type LogTarget = FileLike | 'AUTO';

/** The same, and how: what is appended to keeps what it holds, of earlier runs and of earlier attempts. */
export type StreamTarget = LogTarget | { readonly file: LogTarget; readonly append: boolean };
