import { SluiceError } from '../../errors.js';
import { wordAt } from './word-at.js';

const WORD_BYTES = 4;
/** More frames than any message of ours has: what says so is no header. */
const MOST_FRAMES = 1 << 20;
/** Above this a frame is written as it is; below, copying it beside its neighbours costs less than a piece of its own. */
const COPIED_BYTES = 4 * 1024;

/**
 * A message of frames as the pieces to write to a stream: the number of frames and the size of each (big-endian words),
 * then the frames. Small ones are copied together, large ones stand as they are.
 */
export function piecesOf(frames: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let smallBytes = WORD_BYTES * (1 + frames.length);
  for (const { byteLength } of frames) smallBytes += byteLength <= COPIED_BYTES ? byteLength : 0;
  const small = Buffer.allocUnsafe(smallBytes);
  let at = small.writeUInt32BE(frames.length, 0);
  for (const { byteLength } of frames) at = small.writeUInt32BE(byteLength, at);
  let from = 0;
  for (const frame of frames) {
    if (frame.byteLength <= COPIED_BYTES) {
      small.set(frame, at);
      at += frame.byteLength;
      continue;
    }
    if (at > from) pieces.push(small.subarray(from, at));
    pieces.push(frame);
    from = at;
  }
  if (at > from) pieces.push(small.subarray(from, at));
  return pieces;
}

/**
 * The frames of a message whose pieces have arrived one by one, as {@link piecesOf} made them. Frames are views of them.
 *
 * @throws {SluiceError} `PROTOCOL` for what is no such message
 */
export function framesOf(pieces: readonly Uint8Array[]): Uint8Array[] {
  let piece = pieces[0] ?? NOTHING;
  let next = 1;
  const head = piece;
  const count = head.byteLength < WORD_BYTES ? MOST_FRAMES + 1 : wordAt(head, 0);
  let at = WORD_BYTES * (1 + count);
  if (count > MOST_FRAMES || at > piece.byteLength) throw outOfStep();
  const frames: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const size = wordAt(head, WORD_BYTES * (1 + index));
    if (size > 0 && at === piece.byteLength) {
      piece = pieces[next++] ?? NOTHING;
      at = 0;
    }
    if (at + size > piece.byteLength) throw outOfStep();
    frames.push(piece.subarray(at, at + size));
    at += size;
  }
  if (at !== piece.byteLength || next !== pieces.length) throw outOfStep();
  return frames;
}

/** Puts messages of {@link piecesOf} together again from the chunks of a stream. Frames are views of a chunk where one has them whole. */
export class FrameReader {
  readonly #onMessage: (frames: Uint8Array[]) => void;
  /** Bytes of a header that is not complete yet. */
  #head: Uint8Array = NOTHING;
  #sizes: number[] | undefined;
  #frames: Uint8Array[] = [];
  /** The frame that is being filled, and how far. */
  #partial: Uint8Array | undefined;
  #filled = 0;

  constructor(onMessage: (frames: Uint8Array[]) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws {SluiceError} `PROTOCOL` for what is no header */
  push(chunk: Uint8Array): void {
    let at = 0;
    do {
      if (this.#sizes === undefined) at = this.#readHead(chunk, at);
      if (this.#sizes === undefined) return;
      at = this.#readFrames(chunk, at, this.#sizes);
    } while (at < chunk.byteLength);
  }

  /** What is missing of a frame that has begun: bytes read to there, and told by {@link filled}, need not be pushed. */
  get room(): Uint8Array | undefined {
    return this.#partial?.subarray(this.#filled);
  }

  filled(bytes: number): void {
    this.#filled += bytes;
    this.#readFrames(NOTHING, 0, this.#sizes as number[]);
  }

  /** Answers where in the chunk it ends; it is complete if there are sizes then. */
  #readHead(chunk: Uint8Array, from: number): number {
    const before = this.#head.byteLength;
    const bytes = before === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const count = bytes.byteLength - from < WORD_BYTES ? undefined : wordAt(bytes, from);
    if (count !== undefined && count > MOST_FRAMES) throw outOfStep();
    const end = from + WORD_BYTES * (1 + (count ?? 0));
    if (count === undefined || bytes.byteLength < end) {
      this.#head = bytes.subarray(from);
      return chunk.byteLength;
    }
    this.#head = NOTHING;
    this.#sizes = [];
    for (let at = from + WORD_BYTES; at < end; at += WORD_BYTES) this.#sizes.push(wordAt(bytes, at));
    return end - before;
  }

  /** Answers how far it came in the chunk. */
  #readFrames(chunk: Uint8Array, from: number, sizes: readonly number[]): number {
    let at = from;
    while (this.#frames.length < sizes.length) {
      const size = sizes[this.#frames.length] as number;
      if (this.#partial === undefined && chunk.byteLength - at >= size) {
        this.#frames.push(chunk.subarray(at, at + size));
        at += size;
        continue;
      }
      at += this.#fill(chunk, at, size);
      if (this.#filled < size) return at;
      this.#frames.push(this.#partial as Uint8Array);
      this.#partial = undefined;
    }
    const frames = this.#frames;
    this.#frames = [];
    this.#sizes = undefined;
    this.#onMessage(frames);
    return at;
  }

  #fill(chunk: Uint8Array, from: number, size: number): number {
    if (this.#partial === undefined) {
      this.#partial = Buffer.allocUnsafeSlow(size);
      this.#filled = 0;
    }
    const part = chunk.subarray(from, from + size - this.#filled);
    this.#partial.set(part, this.#filled);
    this.#filled += part.byteLength;
    return part.byteLength;
  }
}

function outOfStep(): SluiceError {
  return new SluiceError('PROTOCOL', 'frames that are out of step');
}

const NOTHING: Uint8Array = new Uint8Array(0);
