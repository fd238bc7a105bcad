import { DataFile } from '../data/data-file.js';
import { DependencyError, JoinError, messageOf } from '../errors.js';
import { encode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { AppFuture } from './app-future.js';
import { DataFuture } from './data-future.js';

/** One future a task waits for: the value of a task, or a file it makes. */
export type Dependency = AppFuture<unknown> | DataFuture;

/** Collects the distinct futures met while a call is encoded; the index of each is its slot. */
export class DependencyList {
  readonly futures: Dependency[] = [];
  readonly #slots = new Map<object, number>();

  /** For `encode`'s `slotOf`: the slot of a future, `undefined` for any other thenable. */
  readonly slotOf = (value: object): number | undefined => {
    if (!(value instanceof AppFuture || value instanceof DataFuture)) return undefined;
    const known = this.#slots.get(value);
    if (known !== undefined) return known;
    const slot = this.futures.push(value as Dependency) - 1;
    this.#slots.set(value, slot);
    return slot;
  };
}

/** The task that settles a dependency. */
export function taskOf(dependency: Dependency): AppFuture<unknown> {
  return dependency instanceof DataFuture ? dependency.parent : dependency;
}

/** What travels in the slot of a dependency that is done: its value as encoded by its worker, or the file's name. */
export function slotValue(dependency: Dependency): EncodedValue {
  const { settlement } = taskOf(dependency);
  if (settlement?.kind !== 'value') throw new Error('kernel defect: a slot was filled before its dependency was done');
  if (!(dependency instanceof DataFuture)) return settlement.value;
  const { bytes, files } = encode(new DataFile(dependency.url));
  return { kind: 'inline', bytes, files };
}

/** A task, as errors name it. */
export interface TaskName {
  readonly taskId: number;
  readonly appName: string;
}

/** The error of a task that never ran because `failed` did; the root cause comes first. */
export function dependencyError(task: TaskName, failed: TaskName, cause: unknown): DependencyError {
  const message = `${rootMessage(cause, failed)}; so ${nameOf(task)} was not run${via(cause, failed)}`;
  return new DependencyError(message, { taskId: task.taskId, failedTaskIds: [failed.taskId], cause });
}

/** The error of a join whose returned future `failed`. */
export function joinError(task: TaskName, failed: TaskName, cause: unknown): JoinError {
  const message = `${rootMessage(cause, failed)}; so the join ${nameOf(task)} failed${via(cause, failed)}`;
  return new JoinError(message, { taskId: task.taskId, failedTaskIds: [failed.taskId], cause });
}

function nameOf(task: TaskName): string {
  return `task ${task.taskId} '${task.appName}'`;
}

// A cause that is a dependency's error itself has already put the root first: up to the first "; so".
function rootMessage(cause: unknown, failed: TaskName): string {
  if (!isChained(cause)) return `${messageOf(cause)} [${nameOf(failed)}]`;
  const end = cause.message.lastIndexOf('; so ');
  return end === -1 ? cause.message : cause.message.slice(0, end);
}

function via(cause: unknown, failed: TaskName): string {
  return isChained(cause) ? ` (it waits for ${nameOf(failed)})` : '';
}

function isChained(cause: unknown): cause is DependencyError | JoinError {
  return cause instanceof DependencyError || cause instanceof JoinError;
}
