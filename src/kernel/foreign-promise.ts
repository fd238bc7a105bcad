import { encode } from '../wire/codec.js';
import type { Settlement } from './settlement.js';

type Listener = (settlement: Settlement) => void;

/** One for each promise, so that however many calls share it, it is listened to once and its value is encoded once. */
const known = new WeakMap<object, ForeignPromise>();

/** A promise that no app made, as a task waits for it. Listening to it makes its rejection handled. */
export class ForeignPromise {
  #settlement: Settlement | undefined;
  #waiting: Listener[] | undefined;
  #isUnsendable = false;

  private constructor(promise: PromiseLike<unknown>) {
    Promise.resolve(promise).then(
      (value) => this.#settle(this.#encoded(value)),
      (error: unknown) => this.#settle({ kind: 'error', error, cancelled: false }),
    );
  }

  /** The one for this promise; `value` has a `then`. */
  static of(value: object): ForeignPromise {
    let promise = known.get(value);
    if (promise === undefined) {
      promise = new ForeignPromise(value as PromiseLike<unknown>);
      known.set(value, promise);
    }
    return promise;
  }

  /** How it ended, once it has. */
  get settlement(): Settlement | undefined {
    return this.#settlement;
  }

  /** Whether it resolved with something that no worker can be sent: its error says what. */
  get isUnsendable(): boolean {
    return this.#isUnsendable;
  }

  /** Calls `listener` once with the settlement: now, if there is one already. */
  onSettled(listener: Listener): void {
    if (this.#settlement !== undefined) listener(this.#settlement);
    else if (this.#waiting === undefined) this.#waiting = [listener];
    else this.#waiting.push(listener);
  }

  #encoded(value: unknown): Settlement {
    try {
      return { kind: 'value', value: { kind: 'inline', ...encode(value, { root: 'its value' }) } };
    } catch (error) {
      this.#isUnsendable = true;
      return { kind: 'error', error, cancelled: false };
    }
  }

  #settle(settlement: Settlement): void {
    const waiting = this.#waiting ?? [];
    this.#settlement = settlement;
    this.#waiting = undefined;
    for (const listener of waiting) listener(settlement);
  }
}
