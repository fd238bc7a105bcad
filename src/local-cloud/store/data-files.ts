import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from './ensure-folder.js';

/** A run of bytes in one data file. An object is one, or several in a row when it came in parts. */
export interface Segment {
  readonly id: string;
  /** Size in bytes. */
  readonly size: number;
}

/** Inclusive, as in RFC 9110. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Segments that stay readable, whatever happens to their object. */
export interface HeldData {
  /** The bytes of all segments in a row, or a range of them. */
  read(range?: ByteRange): AsyncGenerator<Uint8Array, void>;
  release(): Promise<void>;
}

/**
 * The bytes of one bucket: files that are written once, under random names, and never changed.
 *
 * A file means nothing until a record names it, so a half-written one is never seen; `sweep` removes those at start.
 */
export class DataFiles {
  readonly #folder: string;
  readonly #folders = new Set<string>();
  /** Files being read, and by how many. */
  readonly #readers = new Map<string, number>();
  readonly #discarded = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a new file from chunks, holding one at a time, and resolves with what `content` returns. Nothing stays if it throws. */
  async write<Facts extends { readonly size: number }>(
    content: AsyncGenerator<Uint8Array, Facts>,
  ): Promise<{ segment: Segment; facts: Facts }> {
    const id = randomUUID().replaceAll('-', '');
    await this.#makeFolder(id);
    const file = await open(this.#path(id), 'wx');
    try {
      let step = await content.next();
      for (; step.done !== true; step = await content.next()) await file.writeFile(step.value);
      await file.close();
      return { segment: { id, size: step.value.size }, facts: step.value };
    } catch (error) {
      await file.close();
      await rm(this.#path(id), { force: true });
      throw error;
    }
  }

  /** Keeps the segments' files, also when they are discarded meanwhile, until `release` is called: always call it. */
  hold(segments: readonly Segment[]): HeldData {
    for (const { id } of segments) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    return {
      read: (range) => this.#read(segments, range),
      release: () => this.#release(segments),
    };
  }

  /** Removes files that nothing names any more, those being read once they have been. */
  async discard(segments: readonly Segment[]): Promise<void> {
    for (const { id } of segments) {
      if (this.#readers.has(id)) this.#discarded.add(id);
      else await rm(this.#path(id), { force: true });
    }
  }

  /** Removes every file that is not in `named`. For the start only. */
  async sweep(named: ReadonlySet<string>): Promise<void> {
    for (const folder of await readdir(this.#folder)) {
      for (const id of await readdir(join(this.#folder, folder))) {
        if (!named.has(id)) await rm(join(this.#folder, folder, id), { force: true });
      }
    }
  }

  async *#read(segments: readonly Segment[], range: ByteRange | undefined): AsyncGenerator<Uint8Array, void> {
    let offset = 0;
    for (const { id, size } of segments) {
      const start = Math.max((range?.start ?? 0) - offset, 0);
      const end = Math.min((range?.end ?? Number.POSITIVE_INFINITY) - offset, size - 1);
      offset += size;
      if (start <= end) yield* createReadStream(this.#path(id), { start, end, highWaterMark: READ_BYTES });
    }
  }

  async #release(segments: readonly Segment[]): Promise<void> {
    for (const { id } of segments) {
      const others = (this.#readers.get(id) ?? 1) - 1;
      if (others > 0) this.#readers.set(id, others);
      else this.#readers.delete(id);
      if (others === 0 && this.#discarded.delete(id)) await rm(this.#path(id), { force: true });
    }
  }

  #path(id: string): string {
    return join(this.#folder, id.slice(0, 2), id);
  }

  async #makeFolder(id: string): Promise<void> {
    const name = id.slice(0, 2);
    if (this.#folders.has(name)) return;
    await ensureFolder(join(this.#folder, name));
    this.#folders.add(name);
  }
}

const READ_BYTES = 256 * 1024;
