import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { Abortable, DispatchedAttempt } from '../executor.js';
import type { TaskPlace } from './workload.js';

/** What a pool's tasks know of it. */
export interface TaskPool {
  /** Tasks that have no answer yet. */
  outstanding: number;
  /** A task that has no answer yet is no longer wanted. */
  giveUp(task: ThreadTask, reason: unknown): void;
}

/** A task from its submission to its one answer. */
export class ThreadTask implements Abortable {
  /** Where it is at the moment; `undefined` while it waits in the queue. */
  place: TaskPlace | undefined = undefined;
  readonly #pool: TaskPool;
  #attempt: DispatchedAttempt | undefined;
  #envelope: TaskEnvelope | undefined = undefined;

  constructor(attempt: DispatchedAttempt, pool: TaskPool) {
    this.#attempt = attempt;
    this.#pool = pool;
    pool.outstanding += 1;
  }

  /** Its turn has come: not before, since a million may wait. False when it cannot be run, and has that for an answer. */
  makeEnvelope(): boolean {
    try {
      this.#envelope ??= this.#attempt?.envelope();
      return this.#envelope !== undefined;
    } catch (error) {
      this.reject(error);
      return false;
    }
  }

  /** What to run, from its turn to its answer. */
  get envelope(): TaskEnvelope {
    return this.#envelope as TaskEnvelope;
  }

  get isAnswered(): boolean {
    return this.#attempt === undefined;
  }

  abort(reason: unknown): void {
    if (!this.isAnswered) this.#pool.giveUp(this, reason);
  }

  /** Does nothing, as {@link reject} does, once there is an answer. */
  resolve(outcome: Outcome): void {
    ThreadTask.#answered(this)?.onOutcome(outcome);
  }

  reject(error: unknown): void {
    ThreadTask.#answered(this)?.onFailure(error);
  }

  // Static: an object of a class that has private methods is larger, and a million may wait.
  static #answered(task: ThreadTask): DispatchedAttempt | undefined {
    const attempt = task.#attempt;
    if (attempt === undefined) return undefined;
    task.#attempt = undefined;
    // Of objects that are gone, one that is old keeps all it leads to: from a task to its batch, to other tasks, and on.
    task.#envelope = undefined;
    task.place = undefined;
    task.#pool.outstanding -= 1;
    return attempt;
  }
}
