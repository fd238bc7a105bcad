import { DataFile } from '../data/data-file.js';
import type { AppFuture, OnError, OnValue } from './app-future.js';

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

  catch<B = never>(onError: (error: unknown) => B | PromiseLike<B>): Promise<DataFile | B> {
    return this.then(undefined, onError);
  }
}
