import type { Abortable } from '../executors/executor.js';
import type { AppFuture } from './app-future.js';
import type { DataFuture } from './data-future.js';
import type { Dependency } from './dependency.js';
import type { Task } from './task.js';
import type { TaskRequest } from './task-request.js';
import type { TaskFiles } from './temporary-files/task-files.js';

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

/**
 * What the kernel keeps of a task while it is not finished; let go afterwards. An object of a class: what literals make of
 * the first tasks, which are all there at once, V8 takes for something that stays, and puts what they make of all others
 * where only a full collection finds it.
 */
export class TaskRecord {
  readonly request: TaskRequest;
  readonly future: AppFuture<unknown>;
  call: Template;
  task: Task;
  /** Gives up the attempt that runs. */
  stop: Abortable | undefined = undefined;
  /** Where the last attempt ran. */
  executor: string | undefined = undefined;
  /** Absent as long as it has none of it. */
  rare: RareParts | undefined = undefined;

  /** Of a task that has just been submitted. */
  constructor(request: TaskRequest, future: AppFuture<unknown>, call: Template, task: Task) {
    this.request = request;
    this.future = future;
    this.call = call;
    this.task = task;
  }

  get taskId(): number {
    return this.future.taskId;
  }
}

/** What few tasks have. */
export interface RareParts {
  /** Stops a wait for the next attempt. */
  stopDelay?: (() => void) | undefined;
  /** What the body of a join has returned. */
  inner?: JoinTemplate;
  /** What it has called. */
  children?: AppFuture<unknown>[];
  /** Outputs of a join that tasks put where they belong which its body has led to. */
  stageOuts?: DataFuture[];
  /** The `temp:` files it reads and makes. */
  temporary?: TaskFiles;
}
