import { SluiceError } from '../../errors.js';
import type { Outcome } from '../../wire/outcome.js';
import type { PilotTask } from '../../wire/pilot/pilot-task.js';
import type { Abortable, OutcomeReceiver } from '../executor.js';
import type { Cargo } from './carriage.js';

/** What attempts need of their executor. */
export interface AttemptOwner {
  /** An attempt has its answer, or needs none: forget it. */
  over(attempt: PilotAttempt): void;
  /** One that may be with a manager is no longer wanted. */
  withdraw(attempt: PilotAttempt): void;
}

/** An attempt from its dispatch to its one answer. */
export class PilotAttempt implements Abortable {
  readonly key: number;
  /** Slots it will take, as far as known: for scaling. */
  readonly slots: number;
  /** Present once it is packed; kept until a manager has answered, since another interchange may have to be told. */
  task: PilotTask | undefined;
  /** What goes beside its message, if anything does. */
  cargo: Cargo | undefined;
  /** URLs of the files it writes, where somebody wants to know. */
  outputs: readonly string[] = NONE;
  /** URLs that its files are fetched from, where somebody wants to know, in the envelope's order. */
  sources: readonly string[] = NONE;
  readonly #owner: AttemptOwner;
  #stop: AbortController | undefined;
  #receiver: OutcomeReceiver | undefined;

  constructor(key: number, slots: number, receiver: OutcomeReceiver, owner: AttemptOwner) {
    this.key = key;
    this.slots = slots;
    this.#receiver = receiver;
    this.#owner = owner;
  }

  get isOver(): boolean {
    return this.#receiver === undefined;
  }

  /** Aborted once it is over. */
  get signal(): AbortSignal {
    this.#stop ??= new AbortController();
    return this.#stop.signal;
  }

  abort(reason: unknown): void {
    if (this.isOver) return;
    this.#owner.withdraw(this);
    this.fail(reason);
  }

  /** Does nothing, as {@link fail} does, once there is an answer. */
  end(outcome: Outcome): void {
    this.#answered()?.onOutcome(outcome);
  }

  fail(error: unknown): void {
    this.#answered()?.onFailure(error);
  }

  #answered(): OutcomeReceiver | undefined {
    const receiver = this.#receiver;
    if (receiver === undefined) return undefined;
    this.#receiver = undefined;
    this.#stop?.abort(new SluiceError('CANCELLED', 'the attempt is over'));
    this.#owner.over(this);
    return receiver;
  }
}

const NONE: readonly string[] = [];
