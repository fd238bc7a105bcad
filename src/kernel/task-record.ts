import type { Abortable } from '../executors/executor.js';
import type { AppFuture } from './app-future.js';
import type { Dependency } from './dependency.js';
import type { Task } from './task.js';
import type { TaskRequest } from './task-request.js';

/** A value in wire form whose slots are still to be filled. */
export interface Template {
  readonly bytes: Uint8Array;
  readonly files: readonly string[];
  readonly dependencies: readonly Dependency[];
}

/** What a join's body returned. */
export interface JoinTemplate extends Template {
  /** The body returned one future and nothing around it: its value passes on without being decoded. */
  readonly isOneFuture: boolean;
}

/** What the kernel keeps of a task while it is not finished; let go afterwards. */
export interface TaskRecord {
  readonly taskId: number;
  readonly request: TaskRequest;
  readonly future: AppFuture<unknown>;
  call: Template;
  task: Task;
  /** Gives up the attempt that runs. */
  stop: Abortable | undefined;
  /** Where the last attempt ran. */
  executor: string | undefined;
  /** Stops a wait for the next attempt. */
  stopDelay: (() => void) | undefined;
  inner: JoinTemplate | undefined;
  /** What the body of a join has called. */
  children: AppFuture<unknown>[] | undefined;
}

/** The record of a task that has just been submitted. */
export function createTaskRecord(
  taskId: number,
  request: TaskRequest,
  future: AppFuture<unknown>,
  call: Template,
  task: Task,
): TaskRecord {
  return {
    taskId,
    request,
    future,
    call,
    task,
    stop: undefined,
    executor: undefined,
    stopDelay: undefined,
    inner: undefined,
    children: undefined,
  };
}
