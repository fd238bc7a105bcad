import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { Abortable, OutcomeReceiver } from '../executor.js';
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
  readonly envelope: TaskEnvelope;
  /** Where it is at the moment; `undefined` while it waits in the queue. */
  place: TaskPlace | undefined;
  readonly #pool: TaskPool;
  #receiver: OutcomeReceiver | undefined;

  constructor(envelope: TaskEnvelope, receiver: OutcomeReceiver, pool: TaskPool) {
    this.envelope = envelope;
    this.#receiver = receiver;
    this.#pool = pool;
    pool.outstanding += 1;
  }

  get isAnswered(): boolean {
    return this.#receiver === undefined;
  }

  abort(reason: unknown): void {
    if (!this.isAnswered) this.#pool.giveUp(this, reason);
  }

  /** Does nothing, as {@link reject} does, once there is an answer. */
  resolve(outcome: Outcome): void {
    this.#answered()?.onOutcome(outcome);
  }

  reject(error: unknown): void {
    this.#answered()?.onFailure(error);
  }

  #answered(): OutcomeReceiver | undefined {
    const receiver = this.#receiver;
    if (receiver === undefined) return undefined;
    this.#receiver = undefined;
    this.#pool.outstanding -= 1;
    return receiver;
  }
}
