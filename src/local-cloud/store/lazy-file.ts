import { type FileHandle, open } from 'node:fs/promises';

/** A file that is opened when it is first needed, and stays open until it is closed for good. */
export class LazyFile {
  readonly #path: string;
  readonly #flags: string | number;
  #handle: Promise<FileHandle> | undefined;
  #closed = false;

  constructor(path: string, flags: string | number) {
    this.#path = path;
    this.#flags = flags;
  }

  async opened(): Promise<FileHandle> {
    // By now its path may lead to another one's file.
    if (this.#closed) throw new Error(`${this.#path} was closed`);
    this.#handle ??= open(this.#path, this.#flags);
    try {
      return await this.#handle;
    } catch (error) {
      this.#handle = undefined;
      throw error;
    }
  }

  /** Takes a handle on the same path in place of its own. */
  async replace(handle: FileHandle): Promise<void> {
    const before = this.#handle;
    this.#handle = Promise.resolve(handle);
    await (await before)?.close();
  }

  /** Waits for what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle)?.close();
  }
}
