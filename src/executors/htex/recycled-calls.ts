import { mkdirSync } from 'node:fs';
import { type FileHandle, open, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localFailure } from '../../data/write-whole.js';

/** Files that are kept to be written anew: at most so many, and none above so many bytes. */
const MOST_KEPT = 32;
const MOST_KEPT_BYTES = 4 * 2 ** 20;
/** Calls that are written and not over, at least, and for each slot: enough that no worker waits for one. */
const LEAST = 32;
const FOR_EACH_SLOT = 4;

interface KeptFile {
  path: string;
  size: number;
  readonly handle: FileHandle;
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly go: () => void;
}

/**
 * Large calls in files, for workers on this machine. A file whose attempt is over gets the next call, under that call's
 * name: to write to memory that a file has already takes a tenth of the time of a new one. So that there are such files,
 * calls wait for their turn, and no more are there than workers can use.
 *
 * Whoever reads a file looks afterwards whether it still has its name: one that has lost it while it was read belongs to
 * another call.
 */
export class RecycledCalls {
  readonly #folder: string;
  readonly #kept = new Set<KeptFile>();
  /** Those of them that no attempt needs, the latest last. */
  readonly #free: KeptFile[] = [];
  /** By URL; those that are not kept too. */
  readonly #used = new Map<string, KeptFile | undefined>();
  readonly #waiting: Waiting[] = [];
  /** Calls that had their turn and are not over. */
  #turns = 0;
  #slots = 0;

  /** @param folder the caller's to remove, after {@link close} */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** So many tasks can run at a time now. */
  serve(slots: number): void {
    this.#slots = slots;
    this.#letGo();
  }

  /** Whether the call of an attempt is here. */
  has(url: string): boolean {
    return this.#used.has(url);
  }

  /** Waits for its turn, writes a call, and resolves with its URL. Rejects as writing does, and with `signal.reason`. @param name never given twice */
  async put(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
    await this.#turn(signal);
    const path = join(this.#folder, name);
    const url = pathToFileURL(path).href;
    try {
      this.#used.set(url, await this.#write(path, bytes));
      return url;
    } catch (error) {
      this.#turns -= 1;
      this.#letGo();
      throw localFailure(`write the value ${path}`, error);
    }
  }

  /** The attempt is over. */
  remove(url: string): void {
    const file = this.#used.get(url);
    this.#used.delete(url);
    if (file === undefined) void unlink(new URL(url)).catch(ignore);
    else if (file.size > MOST_KEPT_BYTES) void this.#drop(file);
    else this.#free.push(file);
    this.#turns -= 1;
    this.#letGo();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept].map(({ handle }) => handle.close()));
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#turns >= this.#most) await new Promise<void>((go) => this.#waiting.push({ signal, go }));
    else this.#turns += 1;
    signal.throwIfAborted();
  }

  get #most(): number {
    return Math.max(LEAST, this.#slots * FOR_EACH_SLOT);
  }

  #letGo(): void {
    while (this.#turns < this.#most) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      // One that nobody wants any more has no turn.
      if (!next.signal.aborted) this.#turns += 1;
      next.go();
    }
  }

  /** Answers the file, if it is kept. */
  async #write(path: string, bytes: Uint8Array): Promise<KeptFile | undefined> {
    const file = this.#free.pop() ?? (await this.#create(path));
    if (file === undefined) {
      await writeFile(path, bytes, { mode: 0o600 });
      return undefined;
    }
    try {
      if (file.path !== path) await rename(file.path, path);
      file.path = path;
      await writeAll(file.handle, bytes);
      if (file.size > bytes.byteLength) await file.handle.truncate(bytes.byteLength);
      file.size = bytes.byteLength;
      return file;
    } catch (error) {
      await this.#drop(file);
      throw error;
    }
  }

  async #create(path: string): Promise<KeptFile | undefined> {
    if (this.#kept.size >= MOST_KEPT) return undefined;
    const file = { path, size: 0, handle: await open(path, 'wx', 0o600) };
    this.#kept.add(file);
    return file;
  }

  async #drop(file: KeptFile): Promise<void> {
    this.#kept.delete(file);
    await Promise.allSettled([file.handle.close(), unlink(file.path)]);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.byteLength - at, at);
    at += bytesWritten;
  }
}

function ignore(): void {}
