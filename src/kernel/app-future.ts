import type { FileLike } from '../data/data-file.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { DataFuture } from './data-future.js';
import type { KeyOf, ValueAt } from './lifted-access.js';
import type { Settlement } from './settlement.js';
import type { TaskStatus } from './task.js';

/** One DataFuture for each declared output, in order. */
export type DataFutures<O extends readonly FileLike[]> = { readonly [K in keyof O]: DataFuture };

/** What a future needs of its kernel while its task is not finished. */
export interface FutureOwner {
  statusOf(taskId: number): TaskStatus;
  cancel(taskId: number, reason: unknown): void;
  /** Decodes a value, fetching it first where it is only referred to. */
  decode(value: EncodedValue): unknown;
  /** The future of what a value has at a key. */
  lift(future: AppFuture<unknown>, key: unknown): AppFuture<unknown>;
  /** One of its `temp:` files is needed no more. */
  release(future: AppFuture<unknown>, url: string): void;
  /** Somebody looks at a failure for the first time. */
  failureSeen(future: AppFuture<unknown>, error: unknown): void;
}

/** First argument of `then`. */
export type OnValue<R, A> = ((value: R) => A | PromiseLike<A>) | null | undefined;
/** Second argument of `then`. */
export type OnError<B> = ((error: unknown) => B | PromiseLike<B>) | null | undefined;

/**
 * The result of an app call, some day. Pass it to other apps as it is, or await it.
 *
 * Rejects with the error as the user's code threw it, or with a SluiceError (`DEPENDENCY`, `CANCELLED`, …). A failed
 * future that nobody awaits does nothing: the promise behind it is made by the first `then`.
 */
export class AppFuture<R, O extends readonly FileLike[] = readonly FileLike[]> implements PromiseLike<R> {
  readonly taskId: number;
  /** Name of the app that was called. */
  readonly appName: string;
  readonly #owner: FutureOwner;
  /** URLs, until somebody asks for the futures. */
  #outputs: readonly (string | DataFuture)[];
  /** How the task ended. Most values are bytes that name no files: of those the bytes are all that is kept. */
  #end: Settlement | Uint8Array | undefined;
  /** Most tasks have one listener at most: a list for each would be most of what a future weighs. */
  #waiting: OnSettled | OnSettled[] | undefined;
  #promise: Promise<R> | undefined;
  /** Of the promise, while the task is not finished: a listener of its own would weigh as much as all this. */
  #resolve: ((value: never) => void) | undefined;
  #isLookedAt = false;

  /** @internal */
  constructor(owner: FutureOwner, taskId: number, appName: string, outputUrls: readonly string[]) {
    this.#owner = owner;
    this.taskId = taskId;
    this.appName = appName;
    this.#outputs = outputUrls;
  }

  /** Where the task is now. */
  get status(): TaskStatus {
    const { settlement } = this;
    if (settlement === undefined) return this.#owner.statusOf(this.taskId);
    if (settlement.kind === 'value') return 'done';
    return settlement.cancelled ? 'cancelled' : 'failed';
  }

  /** A future for each output the call declared; it settles when the file is where it belongs. */
  get outputs(): DataFutures<O> {
    const made = (output: string | DataFuture) => (typeof output === 'string' ? new DataFuture(this, output) : output);
    if (this.#outputs.some((output) => typeof output === 'string')) this.#outputs = this.#outputs.map(made);
    return this.#outputs as unknown as DataFutures<O>;
  }

  // biome-ignore lint/suspicious/noThenProperty: a future is a thenable, so that await and Promise.all take it
  then<A = R, B = never>(onValue?: OnValue<R, A>, onError?: OnError<B>): Promise<A | B> {
    this.look();
    if (this.#promise === undefined) {
      const { settlement } = this;
      if (settlement === undefined) {
        this.#promise = new Promise<R>(keepResolve);
        this.#resolve = lastResolve;
        lastResolve = undefined;
      } else this.#promise = Promise.resolve(settledValue<R>(this.#owner, settlement));
    }
    return this.#promise.then(onValue, onError);
  }

  catch<B = never>(onError: (error: unknown) => B | PromiseLike<B>): Promise<R | B> {
    return this.then(undefined, onError);
  }

  finally(onSettled: () => void): Promise<R> {
    return this.then().finally(onSettled);
  }

  /**
   * The future of what the value has at a key: an object's property, an array's item, what a Map holds. It is a task of
   * its own that runs in the client, so this never waits; a key that is not there is `NO_SUCH_KEY` in the new future.
   *
   * @throws {SluiceError} `KERNEL_CLOSED`
   */
  get<K extends KeyOf<R>>(key: K): AppFuture<ValueAt<R, K>, readonly []> {
    return this.#owner.lift(this, key) as AppFuture<ValueAt<R, K>, readonly []>;
  }

  /** Gives the task up: it rejects with `CANCELLED`, and so do the tasks that wait for it. Does nothing once it is finished. */
  cancel(reason?: unknown): void {
    if (this.#end === undefined) this.#owner.cancel(this.taskId, reason);
  }

  /** An output is where it belongs when another task has put it there. @internal */
  placeOutput(index: number, output: DataFuture): void {
    this.#outputs = this.#outputs.with(index, output);
  }

  /** One of its outputs is needed no more. @internal */
  release(url: string): void {
    this.#owner.release(this, url);
  }

  /** Whether anybody has asked how the task ends, or was told by another that failed with it. @internal */
  get isLookedAt(): boolean {
    return this.#isLookedAt;
  }

  /** Says that somebody asks how the task ends. @internal */
  look(): void {
    if (this.#isLookedAt) return;
    this.#isLookedAt = true;
    const end = this.#end;
    if (end === undefined || end instanceof Uint8Array) return;
    if (end.kind === 'error' && !end.cancelled) this.#owner.failureSeen(this, end.error);
  }

  /**
   * The value of a task that has ended, without a promise where none is needed; throws, or rejects with, what the task
   * failed with. @internal
   */
  read(): R | Promise<R> {
    this.look();
    const { settlement } = this;
    if (settlement?.kind === 'value') return this.#owner.decode(settlement.value) as R;
    throw settlement === undefined
      ? new Error('kernel defect: a value was read before its task was done')
      : settlement.error;
  }

  /** How the task ended, once it has. @internal */
  get settlement(): Settlement | undefined {
    const end = this.#end;
    if (!(end instanceof Uint8Array)) return end;
    return { kind: 'value', value: { kind: 'inline', bytes: end, files: NO_FILES } };
  }

  /** Resolves, and never rejects, when the task has ended. @internal */
  settled(): Promise<Settlement> {
    return new Promise((resolve) => this.onSettled(resolve));
  }

  /** Calls `listener` once with the settlement: now, if there is one already. @internal */
  onSettled(listener: OnSettled): void {
    const { settlement } = this;
    if (settlement !== undefined) listener(settlement);
    else if (this.#waiting === undefined) this.#waiting = listener;
    else if (typeof this.#waiting === 'function') this.#waiting = [this.#waiting, listener];
    else this.#waiting.push(listener);
  }

  /** @internal */
  settle(settlement: Settlement): void {
    const waiting = this.#waiting;
    const resolve = this.#resolve;
    this.#end = isPlain(settlement) ? settlement.value.bytes : settlement;
    this.#waiting = undefined;
    this.#resolve = undefined;
    if (resolve !== undefined) resolve(settledValue(this.#owner, settlement) as never);
    if (typeof waiting === 'function') waiting(settlement);
    else if (waiting !== undefined) for (const listener of waiting) listener(settlement);
  }
}

// One for all: an executor of its own for each promise is a tenth of what is made for a future that is waited for.
const keepResolve = (resolve: (value: never) => void): void => {
  lastResolve = resolve;
};
let lastResolve: ((value: never) => void) | undefined;

// No private method: an object of a class that has one is larger.
function settledValue<R>(owner: FutureOwner, settlement: Settlement): R | Promise<R> {
  if (settlement.kind === 'error') return Promise.reject(settlement.error);
  try {
    return owner.decode(settlement.value) as R;
  } catch (error) {
    return Promise.reject(error);
  }
}

type OnSettled = (settlement: Settlement) => void;

const NO_FILES: readonly never[] = [];

function isPlain(settlement: Settlement): settlement is Settlement & { kind: 'value'; value: { kind: 'inline' } } {
  return settlement.kind === 'value' && settlement.value.kind === 'inline' && settlement.value.files.length === 0;
}
