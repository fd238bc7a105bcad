import { messageOf, SluiceError } from '../errors.js';
import type { AppFuture } from '../kernel/app-future.js';
import type { Settlement } from '../kernel/settlement.js';
import { Fifo } from './fifo.js';
import { type Item, type ItemSource, openSource } from './item-source.js';
import { orderedWindow, type ResultWindow, unorderedWindow } from './result-window.js';

type Result<R> = IteratorResult<R, undefined>;

interface Waiter<R> {
  readonly resolve: (result: Result<R> | Promise<Result<R>>) => void;
  readonly reject: (error: unknown) => void;
}

interface StreamOptions {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly signal?: AbortSignal;
}

/** The results of an app's calls, one by one: what `map` gives. */
export class ResultStream<T, R> implements AsyncIterableIterator<R, undefined>, AsyncDisposable {
  readonly #app: (item: T) => AppFuture<R>;
  readonly #iterable: Iterable<T> | AsyncIterable<T>;
  readonly #options: StreamOptions;
  readonly #window: ResultWindow<R>;
  /** Who asked for a result that was not there. */
  readonly #waiters = new Fifo<Waiter<R>>();
  #source: ItemSource<T> | undefined;
  #state: 'new' | 'open' | 'ended' = 'new';
  /** The source has nothing more. */
  #isExhausted = false;
  /** The source has been asked for an item that is not here yet, or that is just becoming a task. */
  #isReading = false;
  /** Boxed; kept until it has been told. */
  #failure: { readonly error: unknown } | undefined;

  constructor(app: (item: T) => AppFuture<R>, iterable: Iterable<T> | AsyncIterable<T>, options: StreamOptions) {
    this.#app = app;
    this.#iterable = iterable;
    this.#options = options;
    this.#window = options.ordered ? orderedWindow() : unorderedWindow();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result<R>> {
    if (this.#state === 'new') this.#open();
    if (this.#waiters.size === 0) {
      this.#fill();
      const future = this.#window.take();
      if (future !== undefined) return Promise.resolve(this.#resultOf(future));
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#end('the loop over its results was left');
    return END;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #open(): void {
    this.#state = 'open';
    const { signal } = this.#options;
    try {
      if (signal?.aborted === true) throw cancelledBy(signal.reason);
      this.#source = openSource(this.#iterable);
      signal?.addEventListener('abort', this.#onAbort, { once: true });
    } catch (error) {
      this.#fail(error, undefined);
    }
  }

  /** Answers whoever waits, as far as results are there. */
  #serve(): void {
    do {
      this.#fill();
    } while (this.#answer() && this.#waiters.size > 0);
  }

  /** Answers the first who waits; `false` when there is nothing to tell yet. */
  #answer(): boolean {
    if (this.#waiters.size === 0) return false;
    const failure = this.#failure;
    const future = this.#window.take();
    if (failure !== undefined) {
      this.#failure = undefined;
      this.#waiters.shift()?.reject(failure.error);
    } else if (future !== undefined) {
      this.#waiters.shift()?.resolve(this.#resultOf(future));
    } else if (this.#state === 'ended' || (this.#isExhausted && this.#window.size === 0)) {
      this.#waiters.shift()?.resolve(END);
      void this.#end(undefined);
    } else return false;
    return true;
  }

  #resultOf(future: AppFuture<R>): Result<R> | Promise<Result<R>> {
    try {
      const value = future.read();
      return value instanceof Promise ? value.then(toResult, this.#onUnreadable) : toResult(value);
    } catch (error) {
      return this.#onUnreadable(error);
    }
  }

  // A value that cannot be fetched, or read, ends the iteration as a failed task does.
  readonly #onUnreadable = (error: unknown): Promise<never> => {
    this.#end('another result could not be read').catch(() => {});
    return Promise.reject(error);
  };

  /** Reads the source until the window is full. */
  #fill(): void {
    while (this.#state === 'open' && !this.#isExhausted && !this.#isReading) {
      if (this.#window.size >= this.#options.concurrency) return;
      this.#isReading = true;
      try {
        const item = (this.#source as ItemSource<T>).next();
        if (item instanceof Promise) item.then(this.#onItem, this.#onSourceFailed);
        else this.#take(item);
      } catch (error) {
        this.#onSourceFailed(error);
      }
    }
  }

  readonly #onItem = (item: Item<T> | undefined): void => {
    if (this.#state !== 'open') return;
    this.#take(item);
    this.#serve();
  };

  readonly #onSourceFailed = (error: unknown): void => {
    // A source that throws has ended by it.
    this.#isExhausted = true;
    this.#fail(error, 'the source of its items failed');
  };

  #take(item: Item<T> | undefined): void {
    if (item === undefined) this.#isExhausted = true;
    else {
      try {
        const future = this.#app(item.value);
        this.#window.add(future);
        future.onSettled((settlement) => this.#onSettled(future, settlement));
      } catch (error) {
        this.#fail(error, 'another item was refused');
      }
    }
    this.#isReading = false;
  }

  #onSettled(future: AppFuture<R>, settlement: Settlement): void {
    if (this.#state !== 'open') return;
    if (settlement.kind === 'error') {
      future.look();
      this.#fail(settlement.error, 'another item failed');
      return;
    }
    this.#window.settled(future);
    if (this.#waiters.size > 0) this.#serve();
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#options.signal?.reason;
    this.#fail(cancelledBy(reason), reason);
  };

  #fail(error: unknown, cancelReason: unknown): void {
    if (this.#state === 'ended') return;
    this.#failure = { error };
    // The failure that ended it is the one to tell.
    this.#end(cancelReason).catch(() => {});
  }

  async #end(cancelReason: unknown): Promise<void> {
    if (this.#state === 'ended') return;
    const isOpen = this.#source !== undefined && !this.#isExhausted;
    this.#state = 'ended';
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const future of this.#window.drain()) future.cancel(cancelReason);
    this.#serve();
    if (!isOpen) return;
    const closed = (this.#source as ItemSource<T>).close();
    // A source that is still asked for an item may never answer.
    if (this.#isReading) closed.catch(() => {});
    else await closed;
  }
}

function cancelledBy(reason: unknown): SluiceError {
  return new SluiceError('CANCELLED', `map was cancelled: ${messageOf(reason)}`, { cause: reason });
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

function toResult<R>(value: R): Result<R> {
  return { done: false, value };
}
