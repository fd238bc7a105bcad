import type { FileLike } from '../data/data-file.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { DataFuture } from './data-future.js';
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
  readonly #outputUrls: readonly string[];
  #settlement: Settlement | undefined;
  #waiting: Array<(settlement: Settlement) => void> | undefined;
  #promise: Promise<R> | undefined;
  #outputs: DataFutures<O> | undefined;

  /** @internal */
  constructor(owner: FutureOwner, taskId: number, appName: string, outputUrls: readonly string[]) {
    this.#owner = owner;
    this.taskId = taskId;
    this.appName = appName;
    this.#outputUrls = outputUrls;
  }

  /** Where the task is now. */
  get status(): TaskStatus {
    if (this.#settlement === undefined) return this.#owner.statusOf(this.taskId);
    if (this.#settlement.kind === 'value') return 'done';
    return this.#settlement.cancelled ? 'cancelled' : 'failed';
  }

  /** A future for each output the call declared; it settles when the file is where it belongs. */
  get outputs(): DataFutures<O> {
    this.#outputs ??= this.#outputUrls.map((url) => new DataFuture(this, url)) as unknown as DataFutures<O>;
    return this.#outputs;
  }

  // biome-ignore lint/suspicious/noThenProperty: a future is a thenable, so that await and Promise.all take it
  then<A = R, B = never>(onValue?: OnValue<R, A>, onError?: OnError<B>): Promise<A | B> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.onSettled((settlement) => {
        if (settlement.kind === 'error') reject(settlement.error);
        else resolve(this.#decoded(settlement.value));
      });
    });
    return this.#promise.then(onValue, onError);
  }

  catch<B = never>(onError: (error: unknown) => B | PromiseLike<B>): Promise<R | B> {
    return this.then(undefined, onError);
  }

  finally(onSettled: () => void): Promise<R> {
    return this.then().finally(onSettled);
  }

  /** Gives the task up: it rejects with `CANCELLED`, and so do the tasks that wait for it. Does nothing once it is finished. */
  cancel(reason?: unknown): void {
    if (this.#settlement === undefined) this.#owner.cancel(this.taskId, reason);
  }

  #decoded(value: EncodedValue): R | Promise<R> {
    try {
      return this.#owner.decode(value) as R;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** How the task ended, once it has. @internal */
  get settlement(): Settlement | undefined {
    return this.#settlement;
  }

  /** Resolves, and never rejects, when the task has ended. @internal */
  settled(): Promise<Settlement> {
    return new Promise((resolve) => this.onSettled(resolve));
  }

  /** Calls `listener` once with the settlement: now, if there is one already. @internal */
  onSettled(listener: (settlement: Settlement) => void): void {
    if (this.#settlement !== undefined) listener(this.#settlement);
    else if (this.#waiting === undefined) this.#waiting = [listener];
    else this.#waiting.push(listener);
  }

  /** @internal */
  settle(settlement: Settlement): void {
    const waiting = this.#waiting;
    this.#settlement = settlement;
    this.#waiting = undefined;
    if (waiting !== undefined) for (const listener of waiting) listener(settlement);
  }
}
