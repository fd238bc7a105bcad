import { constants } from 'node:fs';
import { type FileHandle, truncate } from 'node:fs/promises';
import { type Extent, FreeSpace } from './free-space.js';
import { LazyFile } from './lazy-file.js';
import { readFully } from './read-fully.js';

/**
 * Many small contents in one file, which stays open: a file of its own for each takes longer to make than to fill.
 *
 * The file does not say what is where: that is for the records that name the extents.
 */
export class PackedFile {
  readonly #path: string;
  readonly #file: LazyFile;
  #space = new FreeSpace();
  /** How long the file may be. */
  #length = 0;
  /** Under way, it takes what is beyond the last extent. */
  #cut: Promise<void> | undefined;

  /** The file is made when there is something to write. */
  constructor(path: string) {
    this.#path = path;
    this.#file = new LazyFile(path, constants.O_RDWR | constants.O_CREAT);
  }

  /** Keeps these extents of a file that is there already, and nothing else. */
  async keep(extents: Iterable<Extent>): Promise<void> {
    this.#space = new FreeSpace(extents);
    this.#length = this.#space.end;
    await truncate(this.#path, this.#length).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  /** Writes new content, and resolves with where it is. */
  async write(chunks: readonly Uint8Array[], size: number): Promise<Extent> {
    const extent = { at: this.#space.take(size), size };
    this.#length = Math.max(this.#length, this.#space.end);
    try {
      // It could have begun when this place was free.
      await this.#cut;
      await writeAt(await this.#file.opened(), chunks, extent);
      return extent;
    } catch (error) {
      await this.free(extent);
      throw error;
    }
  }

  /** Fills `target` with what begins at `at`. */
  async readInto(target: Uint8Array, at: number): Promise<void> {
    await readFully(await this.#file.opened(), target, at);
  }

  /** Gives the extent's place to others, and that at the end of the file back to the disk. */
  async free(extent: Extent): Promise<void> {
    this.#space.free(extent);
    if (this.#space.end >= this.#length) return;
    this.#cut ??= this.#cutOff();
    await this.#cut;
  }

  /** For good. Idempotent. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #cutOff(): Promise<void> {
    try {
      const file = await this.#file.opened();
      do {
        this.#length = this.#space.end;
        await file.truncate(this.#length);
      } while (this.#space.end < this.#length);
    } catch {
      // The disk gets it back later.
    } finally {
      this.#cut = undefined;
    }
  }
}

async function writeAt(file: FileHandle, chunks: readonly Uint8Array[], { at, size }: Extent): Promise<void> {
  if (size === 0) return;
  let { bytesWritten: done } = await file.writev(chunks, at);
  if (done === size) return;
  for (const all = Buffer.concat(chunks); done < size; ) {
    done += (await file.write(all, done, size - done, at + done)).bytesWritten;
  }
}
