import { DependencyError, JoinError, messageOf, SluiceError } from '../errors.js';
import { AppFuture } from './app-future.js';
import { DataFuture } from './data-future.js';
import { AwaitedPromise, type Dependency } from './dependency.js';

/** A task, as errors name it. */
export interface TaskName {
  readonly taskId: number;
  readonly appName: string;
}

/** The task whose own failure began it all, by the error that came of it. */
const roots = new WeakMap<object, AppFuture<unknown>>();

/** The task that began the failure this error passes on; `undefined` when the error is a task's own. */
export function rootOf(error: unknown): AppFuture<unknown> | undefined {
  return typeof error === 'object' && error !== null ? roots.get(error) : undefined;
}

/**
 * The error of a task that never ran because `failed` did; the root cause comes first. For a promise whose value
 * cannot be sent it is that: `NOT_SENDABLE`.
 */
export function dependencyError(task: TaskName, failed: Dependency, cause: unknown): SluiceError {
  if (failed instanceof AwaitedPromise && failed.promise.isUnsendable) return unsendable(task, failed, cause);
  const message = `${rootMessage(cause, failed)}; so ${nameOf(task)} was not run${via(cause, failed)}`;
  const error = new DependencyError(message, { taskId: task.taskId, failedTaskIds: idsOf(failed), cause });
  return withRoot(error, failed, cause);
}

/** The error of a join whose returned future `failed`. */
export function joinError(task: TaskName, failed: Dependency, cause: unknown): JoinError {
  const message = `${rootMessage(cause, failed)}; so the join ${nameOf(task)} failed${via(cause, failed)}`;
  const error = new JoinError(message, { taskId: task.taskId, failedTaskIds: idsOf(failed), cause });
  return withRoot(error, failed, cause);
}

function unsendable(task: TaskName, { place }: AwaitedPromise, cause: unknown): SluiceError {
  const message = `a promise in ${place} of ${nameOf(task)}: ${messageOf(cause)}`;
  return new SluiceError('NOT_SENDABLE', message, { cause });
}

function withRoot<E extends Error>(error: E, failed: Dependency, cause: unknown): E {
  const root = rootOf(cause) ?? parentOf(failed);
  if (root !== undefined) roots.set(error, root);
  return error;
}

function parentOf(failed: Dependency): AppFuture<unknown> | undefined {
  if (failed instanceof AppFuture) return failed;
  return failed instanceof DataFuture ? failed.parent : undefined;
}

function idsOf(failed: Dependency): readonly number[] {
  const task = parentOf(failed);
  return task === undefined ? [] : [task.taskId];
}

function nameOf(task: TaskName): string {
  return `task ${task.taskId} '${task.appName}'`;
}

function nameOfDependency(failed: Dependency): string {
  const task = parentOf(failed);
  return task === undefined ? `a promise in ${(failed as AwaitedPromise).place}` : nameOf(task);
}

// A cause that is a dependency's error itself has already put the root first: up to the first "; so".
function rootMessage(cause: unknown, failed: Dependency): string {
  if (!isChained(cause)) return `${messageOf(cause)} [${nameOfDependency(failed)}]`;
  const end = cause.message.lastIndexOf('; so ');
  return end === -1 ? cause.message : cause.message.slice(0, end);
}

function via(cause: unknown, failed: Dependency): string {
  return isChained(cause) ? ` (it waits for ${nameOfDependency(failed)})` : '';
}

function isChained(cause: unknown): cause is DependencyError | JoinError {
  return cause instanceof DependencyError || cause instanceof JoinError;
}
