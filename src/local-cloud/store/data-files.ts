import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from './ensure-folder.js';
import type { Extent } from './free-space.js';
import { PackedFile } from './packed-file.js';
import { readFully } from './read-fully.js';

/** A run of bytes on disk. An object is one, or several in a row when it came in parts. */
export interface Segment {
  /** Of no other one at the same time. */
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
  /** Fills `target`, which is as long as they are together, or as the range. */
  readInto(target: Uint8Array, range?: ByteRange): Promise<void>;
  release(): Promise<void>;
}

/**
 * The bytes of one bucket: each segment is written once, and never changed. A small one has a place in a file that all small
 * ones share, a large one a file of its own, under a random name.
 *
 * A segment means nothing until a record names it, so a half-written one is never seen; `sweep` removes those at start.
 */
export class DataFiles {
  readonly #folder: string;
  readonly #folders = new Set<string>();
  readonly #packed: PackedFile;
  /** Segments being read, and by how many. */
  readonly #readers = new Map<string, number>();
  readonly #discarded = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#packed = new PackedFile(join(folder, PACKED));
  }

  /**
   * Writes a new segment from chunks, holding no more of them than a small segment has, and resolves with what `content`
   * returns. Nothing stays if it throws.
   */
  async write<Facts extends { readonly size: number }>(
    content: AsyncGenerator<Uint8Array, Facts>,
  ): Promise<{ segment: Segment; facts: Facts }> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    let step = await content.next();
    for (; step.done !== true && size <= LARGEST_PACKED; step = await content.next()) {
      chunks.push(step.value);
      size += step.value.length;
    }
    if (step.done !== true || size > LARGEST_PACKED) return this.#writeFile(content, chunks, step);
    const { at } = await this.#packed.write(chunks, size);
    return { segment: { id: `${PACKED}-${at}`, size }, facts: step.value };
  }

  /** Like {@link write}, but to a file of its own, whatever its size: for what other files name than the objects' records. */
  async writeApart<Facts extends { readonly size: number }>(
    content: AsyncGenerator<Uint8Array, Facts>,
  ): Promise<{ segment: Segment; facts: Facts }> {
    return this.#writeFile(content, [], await content.next());
  }

  /** Keeps the segments, also when they are discarded meanwhile, until `release` is called: always call it. */
  hold(segments: readonly Segment[]): HeldData {
    for (const { id } of segments) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    return {
      read: (range) => this.#read(segments, range),
      readInto: (target, range) => this.#readInto(segments, target, range),
      release: () => this.#release(segments),
    };
  }

  /** Removes segments that nothing names any more, those being read once they have been. */
  async discard(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) {
      if (this.#readers.has(segment.id)) this.#discarded.add(segment.id);
      else await this.#remove(segment);
    }
  }

  /** Removes everything that is not in `named`. For the start only. */
  async sweep(named: Iterable<Segment>): Promise<void> {
    const files = new Set<string>();
    const packed: Extent[] = [];
    for (const segment of named) {
      const extent = packedExtent(segment);
      if (extent === undefined) files.add(segment.id);
      else packed.push(extent);
    }
    await this.#packed.keep(packed);
    for (const folder of await readdir(this.#folder)) {
      if (folder === PACKED) continue;
      for (const id of await readdir(join(this.#folder, folder))) {
        if (!files.has(id)) await rm(join(this.#folder, folder, id), { force: true });
      }
    }
  }

  /** Lets go of the file that is shared. Idempotent. */
  close(): Promise<void> {
    return this.#packed.close();
  }

  async #writeFile<Facts extends { readonly size: number }>(
    content: AsyncGenerator<Uint8Array, Facts>,
    before: readonly Uint8Array[],
    next: IteratorResult<Uint8Array, Facts>,
  ): Promise<{ segment: Segment; facts: Facts }> {
    const id = randomUUID().replaceAll('-', '');
    await this.#makeFolder(id);
    const file = await open(this.#path(id), 'wx');
    try {
      for (const chunk of before) await file.writeFile(chunk);
      let step = next;
      for (; step.done !== true; step = await content.next()) await file.writeFile(step.value);
      await file.close();
      return { segment: { id, size: step.value.size }, facts: step.value };
    } catch (error) {
      await file.close();
      await rm(this.#path(id), { force: true });
      throw error;
    }
  }

  async *#read(segments: readonly Segment[], range: ByteRange | undefined): AsyncGenerator<Uint8Array, void> {
    for (const piece of piecesOf(segments, range)) {
      const { id, start, end } = piece;
      if (packedExtent(piece) === undefined) {
        yield* createReadStream(this.#path(id), { start, end, highWaterMark: READ_BYTES });
      } else {
        const bytes = Buffer.allocUnsafe(end - start + 1);
        await this.#readPiece(piece, bytes);
        yield bytes;
      }
    }
  }

  async #readInto(segments: readonly Segment[], target: Uint8Array, range: ByteRange | undefined): Promise<void> {
    let done = 0;
    for (const piece of piecesOf(segments, range)) {
      const next = done + piece.end - piece.start + 1;
      await this.#readPiece(piece, target.subarray(done, next));
      done = next;
    }
  }

  async #readPiece(piece: Piece, target: Uint8Array): Promise<void> {
    const packed = packedExtent(piece);
    if (packed !== undefined) return this.#packed.readInto(target, packed.at + piece.start);
    const file = await open(this.#path(piece.id));
    try {
      await readFully(file, target, piece.start);
    } finally {
      await file.close();
    }
  }

  async #release(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) {
      const { id } = segment;
      const others = (this.#readers.get(id) ?? 1) - 1;
      if (others > 0) this.#readers.set(id, others);
      else this.#readers.delete(id);
      if (others === 0 && this.#discarded.delete(id)) await this.#remove(segment);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const packed = packedExtent(segment);
    if (packed !== undefined) await this.#packed.free(packed);
    else await rm(this.#path(segment.id), { force: true });
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

/** Largest segment without a file of its own, in bytes. */
const LARGEST_PACKED = 256 * 1024;
/** Name of the file that small segments share, and how their ids begin. */
const PACKED = 'packed';

function packedExtent({ id, size }: Segment): Extent | undefined {
  return id.startsWith(PACKED) ? { at: Number(id.slice(PACKED.length + 1)), size } : undefined;
}

/** The bytes of a segment from `start` to `end`, inclusive. */
interface Piece extends Segment, ByteRange {}

/** What of each segment lies in a range of them all. */
function* piecesOf(segments: readonly Segment[], range: ByteRange | undefined): Generator<Piece, void> {
  let offset = 0;
  for (const { id, size } of segments) {
    const start = Math.max((range?.start ?? 0) - offset, 0);
    const end = Math.min((range?.end ?? Number.POSITIVE_INFINITY) - offset, size - 1);
    offset += size;
    if (start <= end) yield { id, size, start, end };
  }
}
