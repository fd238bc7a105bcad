import { type AnswerHead, parseAnswerHead } from './answer-head.js';
import { BLOCK_BYTES, takeBlock } from './blocks.js';
import { badAnswer } from './http-failure.js';

/** Told of an answer as it comes. */
export interface AnswerListener {
  /** The head of the answer itself: those that only say that it is coming are left out. */
  onHead(head: AnswerHead): void;
  /** Bytes of the body, the listener's own from now on. Of known length, they come in pieces of {@link BLOCK_BYTES}. */
  onData(bytes: Uint8Array): void;
  /** The answer is whole. */
  onEnd(): void;
}

/** Room for anything but a body of known length; a head has to fit in. */
const OWN_BYTES = 16 * 1024;
/** Longest line before a chunk, or after the last. */
const LINE_BYTES = 4 * 1024;

/**
 * Reads answers, one after the other, out of bytes that come in any pieces. The bytes go where {@link room} says: those of a body
 * of known length straight to their place, so that nobody has to join or copy them.
 */
export class AnswerReader {
  readonly #own = Buffer.allocUnsafeSlow(OWN_BYTES);
  /** Bytes at the beginning of `own` that are a part of a head, or of a line. */
  #held = 0;
  #state: State = { kind: 'idle' };

  /** Where the next bytes go; never empty. */
  get room(): Uint8Array {
    const state = this.#state;
    return state.kind === 'length' ? state.block.subarray(state.filled) : this.#own.subarray(this.#held);
  }

  /** Expects the answer to a request of that method. */
  expect(method: string, listener: AnswerListener): void {
    this.#state = { kind: 'head', method, listener };
  }

  /**
   * So many bytes have come into {@link room}.
   *
   * @throws {HttpFailure} `BAD_ANSWER`: nothing that comes after them can be understood
   */
  take(count: number): void {
    if (this.#state.kind === 'length') this.#takeBody(this.#state, count);
    else this.#takeOwn(this.#held + count);
  }

  /** No more bytes will come: the end of an answer that has no other. Of others, the listener gets what has come. */
  finish(): void {
    const state = this.#state;
    if (state.kind === 'rest') this.#end(state.listener);
    if (state.kind === 'length' && state.filled > 0) state.listener.onData(state.block.subarray(0, state.filled));
    this.#state = { kind: 'idle' };
  }

  #takeOwn(end: number): void {
    let at = 0;
    while (at < end) {
      const next = this.#step(at, end);
      if (next === undefined) break;
      at = next;
    }
    this.#held = end - at;
    if (at > 0 && at < end) this.#own.copyWithin(0, at, end);
    if (this.#held === OWN_BYTES) throw badAnswer(`its head is longer than ${OWN_BYTES} bytes`);
  }

  /** Understands the bytes of `own` from `at` on, and gives where those begin that it has not; `undefined`: more have to come. */
  #step(at: number, end: number): number | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        throw badAnswer('bytes came after its end');
      case 'head':
        return this.#takeHead(state, at, end);
      case 'line':
        return this.#takeLine(state, at, end);
      case 'length': {
        // The beginning of a body has come along with its head.
        const count = Math.min(end - at, state.block.length - state.filled);
        this.#own.copy(state.block, state.filled, at, at + count);
        this.#takeBody(state, count);
        return at + count;
      }
      case 'chunk': {
        const count = Math.min(end - at, state.left);
        state.listener.onData(Buffer.from(this.#own.subarray(at, at + count)));
        state.left -= count;
        if (state.left === 0) this.#state = { kind: 'line', of: 'end of chunk', listener: state.listener };
        return at + count;
      }
      case 'rest':
        state.listener.onData(Buffer.from(this.#own.subarray(at, end)));
        return end;
    }
  }

  #takeHead({ method, listener }: HeadState, at: number, end: number): number | undefined {
    const found = this.#own.subarray(at, end).indexOf('\r\n\r\n');
    if (found === -1) return undefined;
    const head = parseAnswerHead(this.#own.toString('latin1', at, at + found), method);
    // The others say that it is coming. Source: RFC 9110, 15.2.
    if (head.status >= 200) this.#begin(head, listener);
    return at + found + 4;
  }

  #begin(head: AnswerHead, listener: AnswerListener): void {
    const { length } = head;
    if (length === 'rest') this.#state = { kind: 'rest', listener };
    else if (length === 'chunked') this.#state = { kind: 'line', of: 'size', listener };
    else this.#state = { kind: 'length', left: length, block: takeBlock(length), filled: 0, listener };
    listener.onHead(head);
    if (length === 0) this.#end(listener);
  }

  #takeBody(state: LengthState, count: number): void {
    state.filled += count;
    state.left -= count;
    if (state.filled < state.block.length) return;
    const { block, listener } = state;
    if (state.left > 0) {
      state.block = takeBlock(state.left);
      state.filled = 0;
    }
    listener.onData(block);
    if (state.left === 0) this.#end(listener);
  }

  // Source: RFC 9112, 7.1.
  #takeLine({ of, listener }: LineState, at: number, end: number): number | undefined {
    const found = this.#own.subarray(at, end).indexOf('\r\n');
    if (found === -1 && end - at <= LINE_BYTES) return undefined;
    if (found === -1) throw badAnswer('a line between its chunks has no end');
    const line = this.#own.toString('latin1', at, at + found);
    if (of === 'size') {
      const size = /^[\da-f]{1,12}(?=[ \t]*(;|$))/i.exec(line)?.[0];
      if (size === undefined) throw badAnswer(`${JSON.stringify(line.slice(0, 40))} is no chunk's size`);
      const left = Number.parseInt(size, 16);
      this.#state = left > 0 ? { kind: 'chunk', left, listener } : { kind: 'line', of: 'trailer', listener };
    } else if (of === 'end of chunk') {
      if (line !== '') throw badAnswer('a chunk is longer than it says');
      this.#state = { kind: 'line', of: 'size', listener };
    } else if (line === '') this.#end(listener);
    return at + found + 2;
  }

  #end(listener: AnswerListener): void {
    this.#state = { kind: 'idle' };
    listener.onEnd();
  }
}

interface HeadState {
  readonly kind: 'head';
  readonly method: string;
  readonly listener: AnswerListener;
}

interface LengthState {
  readonly kind: 'length';
  /** Bytes of the body that have not come. */
  left: number;
  block: Buffer;
  /** Bytes of the block that have come. */
  filled: number;
  readonly listener: AnswerListener;
}

interface LineState {
  readonly kind: 'line';
  readonly of: 'size' | 'end of chunk' | 'trailer';
  readonly listener: AnswerListener;
}

type State =
  | { readonly kind: 'idle' }
  | HeadState
  | LengthState
  | LineState
  | { readonly kind: 'chunk'; left: number; readonly listener: AnswerListener }
  | { readonly kind: 'rest'; readonly listener: AnswerListener };
