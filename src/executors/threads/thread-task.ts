import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { SubmitOptions } from '../executor.js';
import type { ThreadWorkload } from './workload.js';

/** Tasks of a pool that have no answer yet. */
export interface Tally {
  outstanding: number;
}

/** A task from its submission to its one answer. */
export class ThreadTask {
  readonly envelope: TaskEnvelope;
  /** Where it is at the moment; `undefined` while it waits in the queue. */
  workload: ThreadWorkload | undefined;
  #resolve: ((outcome: Outcome) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  readonly #tally: Tally;
  #stopListening: (() => void) | undefined;

  constructor(
    envelope: TaskEnvelope,
    tally: Tally,
    resolve: (outcome: Outcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.envelope = envelope;
    this.#tally = tally;
    this.#resolve = resolve;
    this.#reject = reject;
    tally.outstanding += 1;
  }

  get isAnswered(): boolean {
    return this.#resolve === undefined;
  }

  /** Calls `giveUp` once the one who submitted it no longer wants it. */
  watch(options: SubmitOptions, giveUp: (task: ThreadTask, reason: unknown) => void): void {
    if (options.onAbort !== undefined) {
      options.onAbort((reason) => giveUp(this, reason));
      return;
    }
    const { signal } = options;
    const onAbort = (): void => giveUp(this, signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  resolve(outcome: Outcome): void {
    if (this.#resolve === undefined) return;
    this.#resolve(outcome);
    this.#end();
  }

  /** Does nothing, as {@link resolve} does, once there is an answer. */
  reject(error: unknown): void {
    if (this.#reject === undefined) return;
    this.#reject(error);
    this.#end();
  }

  #end(): void {
    this.#tally.outstanding -= 1;
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#stopListening?.();
  }
}
