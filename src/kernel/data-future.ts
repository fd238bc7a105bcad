import { DataFile } from '../data/data-file.js';
import { isTemporary } from '../data/temporary-name.js';
import type { AppFuture, OnError, OnValue } from './app-future.js';

// A `temp:` file is there as long as anybody can ask for it: by its DataFile as well as by its future.
const makers = new WeakMap<DataFile, AppFuture<unknown>>();

/** A file that a task will have made: resolves with its {@link DataFile} once it is where it belongs. */
export class DataFuture implements PromiseLike<DataFile> {
  /** The task that makes the file. @internal */
  readonly parent: AppFuture<unknown>;
  /** The file, which need not exist yet. */
  readonly file: DataFile;

  /** @internal */
  constructor(parent: AppFuture<unknown>, url: string) {
    this.parent = parent;
    this.file = new DataFile(url);
    if (isTemporary(url)) makers.set(this.file, parent);
  }

  get taskId(): number {
    return this.parent.taskId;
  }

  get url(): string {
    return this.file.url;
  }

  // biome-ignore lint/suspicious/noThenProperty: a future is a thenable, so that await and Promise.all take it
  then<A = DataFile, B = never>(onValue?: OnValue<DataFile, A>, onError?: OnError<B>): Promise<A | B> {
    this.parent.look();
    const made = this.parent.settled().then((settlement) => {
      if (settlement.kind === 'error') throw settlement.error;
      return this.file;
    });
    return made.then(onValue, onError);
  }

  /**
   * Says that no further call will need the file. One of the scheme `temp:` is removed once no task reads it any more,
   * also where this future is kept, and later calls with it are refused: `NOT_FOUND`. Does nothing to other files, and
   * need not be called where futures are let go.
   */
  release(): void {
    this.parent.release(this.url);
  }

  catch<B = never>(onError: (error: unknown) => B | PromiseLike<B>): Promise<DataFile | B> {
    return this.then(undefined, onError);
  }
}
