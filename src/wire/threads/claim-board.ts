import type { Outcome } from '../outcome.js';
import { INBOX_BYTES, Inbox } from './inbox.js';
import { OutcomeMemory, type OutcomeSheet } from './outcome-memory.js';

/** Tasks that travel together, at most. */
export const LONGEST_BATCH = 256;

/** Where one task of a batch is. */
export const TASK_STATE = {
  /** Nobody's yet: whoever changes it first has it. */
  free: 0,
  /** The thread's: it runs, or its outcome travels by message. */
  claimed: 1,
  /** Taken back by the client. */
  revoked: 2,
  /** Its outcome is on the board. */
  done: 3,
} as const;

// Words: which task runs (0: none, else its index + 1), bytes used, then a state for each task.
const RUNNING = 0;
const USED = 1;
const STATES = 2;
const WORDS = STATES + LONGEST_BATCH;
const BOARD_BYTES = 64 * 1024;

/**
 * Memory that a client and a thread share for a batch at a time. The thread claims each task before it runs it, and writes
 * small outcomes here one after the other; so the client can take back what has not begun, and read what is done,
 * while the thread is busy.
 */
export class ClaimBoard {
  readonly memory: SharedArrayBuffer;
  /** Where the thread gets its next batch. */
  readonly inbox: Inbox;
  readonly #words: Int32Array;
  readonly #outcomes: OutcomeMemory;
  /** Client: bytes of outcomes that have been copied. */
  #copied = 0;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(BOARD_BYTES + INBOX_BYTES)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, WORDS);
    const wordBytes = WORDS * Int32Array.BYTES_PER_ELEMENT;
    this.#outcomes = new OutcomeMemory(new Uint8Array(memory, wordBytes, BOARD_BYTES - wordBytes));
    this.inbox = new Inbox(memory, BOARD_BYTES);
  }

  /** Client: makes the board ready for a batch of `count` tasks, once no thread uses it, or the one that does waits at its inbox. */
  reset(count: number): void {
    this.#words.fill(0, 0, STATES + count);
    this.#copied = 0;
  }

  /** Client: the task that runs, or ran last; -1 before the first. */
  get running(): number {
    return Atomics.load(this.#words, RUNNING) - 1;
  }

  /** Client: takes a task back; false when the thread has it. */
  revoke(index: number): boolean {
    return this.#exchange(index, TASK_STATE.revoked);
  }

  /** One of {@link TASK_STATE}. */
  stateOf(index: number): number {
    return Atomics.load(this.#words, STATES + index);
  }

  /** Client: the outcomes of the next `count` tasks that were seen to be done, in memory of their own. */
  takeOutcomes(count: number): OutcomeSheet {
    const start = this.#copied;
    this.#copied = this.#outcomes.endOf(start, count);
    return this.#outcomes.copy(start, this.#copied);
  }

  /** Thread: takes a task, in the order of the batch; false when the client has taken it back. */
  claim(index: number): boolean {
    if (!this.#exchange(index, TASK_STATE.claimed)) return false;
    Atomics.store(this.#words, RUNNING, index + 1);
    return true;
  }

  /** Thread: the task it claimed last is done; false when its outcome does not fit on the board. */
  finish(index: number, outcome: Outcome): boolean {
    const end = this.#outcomes.write(this.#words[USED] as number, outcome);
    if (end === undefined) return false;
    this.#words[USED] = end;
    Atomics.store(this.#words, STATES + index, TASK_STATE.done);
    return true;
  }

  #exchange(index: number, state: number): boolean {
    return Atomics.compareExchange(this.#words, STATES + index, TASK_STATE.free, state) === TASK_STATE.free;
  }
}
