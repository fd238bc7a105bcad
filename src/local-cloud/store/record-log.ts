import { type FileHandle, open, readFile, rename, rm, truncate } from 'node:fs/promises';
import { LazyFile } from './lazy-file.js';
import { UNFINISHED } from './write-whole-file.js';

/** One line of the file. */
type Entry<Stored> = { readonly put: Stored } | { readonly remove: string };

interface Waiting<Stored> {
  readonly entry: Entry<Stored>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Records by key, in memory, and on disk as a file that only grows: a line of JSON for each change. What changes while a
 * write is under way goes out together with the next.
 *
 * A change is seen once its line is whole, also by whoever reads the file after this process is killed: a line cut short is
 * none. It is not flushed to the disk, so a machine that loses power may lose it. Where most lines are out of date, the file
 * is written anew.
 */
export class RecordLog<Stored extends { readonly key: string }> {
  readonly #path: string;
  readonly #records = new Map<string, Stored>();
  readonly #file: LazyFile;
  /** Of the file, in bytes. */
  #length = 0;
  /** Lines that say nothing any more. */
  #stale = 0;
  #waiting: Waiting<Stored>[] = [];
  #writing: Promise<void> | undefined;

  /** The file is made when there is something to write. */
  constructor(path: string) {
    this.#path = path;
    this.#file = new LazyFile(path, 'a');
  }

  /** Reads the file, and removes what a killed process left half-written. */
  async load(): Promise<void> {
    await rm(this.#path + UNFINISHED, { force: true });
    const bytes = await readFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined) return;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, this.#length)) {
      this.#apply(JSON.parse(bytes.toString('utf8', this.#length, end)) as Entry<Stored>);
      this.#length = end + 1;
    }
    await truncate(this.#path, this.#length);
  }

  get records(): ReadonlyMap<string, Stored> {
    return this.#records;
  }

  /** Adds a record, in place of that with its key. */
  put(record: Stored): Promise<void> {
    return this.#append({ put: record });
  }

  remove(key: string): Promise<void> {
    return this.#append({ remove: key });
  }

  /** For good. Idempotent. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  #append(entry: Entry<Stored>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch.map(({ entry }) => `${JSON.stringify(entry)}\n`).join(''));
        for (const { entry, resolve } of batch) {
          this.#apply(entry);
          resolve();
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      if (this.#stale > this.#records.size + MOST_STALE) await this.#writeAnew();
    }
    this.#writing = undefined;
  }

  async #write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    const file = await this.#file.opened();
    try {
      await file.appendFile(bytes);
      this.#length += bytes.length;
    } catch (error) {
      // What nobody was promised must not be found by the next start.
      await file.truncate(this.#length);
      throw error;
    }
  }

  #apply(entry: Entry<Stored>): void {
    if ('put' in entry) {
      if (this.#records.has(entry.put.key)) this.#stale++;
      this.#records.set(entry.put.key, entry.put);
    } else {
      this.#stale += this.#records.delete(entry.remove) ? 2 : 1;
    }
  }

  /** To a file beside it, which then takes its place. When that fails, the file goes on growing. */
  async #writeAnew(): Promise<void> {
    this.#stale = 0;
    const path = this.#path + UNFINISHED;
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'ax');
      let length = 0;
      for (const bytes of pages(this.#records.values())) {
        await file.appendFile(bytes);
        length += bytes.length;
      }
      await rename(path, this.#path);
      await this.#file.replace(file);
      this.#length = length;
    } catch {
      await file?.close();
      await rm(path, { force: true });
    }
  }
}

const LINE_FEED = 0x0a;
/** Lines beyond those that count, before it is worth it to write a file anew. */
const MOST_STALE = 10_000;
const RECORDS_A_PAGE = 1000;

function* pages<Stored>(records: Iterable<Stored>): Generator<Buffer, void> {
  let lines: string[] = [];
  for (const record of records) {
    lines.push(`${JSON.stringify({ put: record })}\n`);
    if (lines.length < RECORDS_A_PAGE) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
  }
  yield Buffer.from(lines.join(''));
}
