import type { ClaimBoard } from '../../wire/threads/claim-board.js';
import type { ThreadWork } from '../../wire/threads/thread-message.js';
import type { Batch } from './batch.js';
import type { ThreadTask } from './thread-task.js';
import { nextWorkloadId, Termination, type ThreadWorkload, type WorkloadEnd } from './workload.js';

/** How long the client looks for the end of a batch that should be over by then, before it has itself be told. */
const LOOK_MS = 0.1;

/** A thread at a board: it runs a batch, and waits a moment for the next one. */
export class Station implements ThreadWorkload {
  readonly id: number = nextWorkloadId();
  readonly transferList: readonly never[] = [];
  readonly terminate: Termination = new Termination();
  readonly work: ThreadWork;
  readonly board: ClaimBoard;
  #batch: Batch | undefined;
  #lookUntilMs = 0;

  constructor(batch: Batch, board: ClaimBoard) {
    this.board = board;
    board.inbox.reset();
    this.#take(batch);
    this.work = { kind: 'batch', id: this.id, tasks: batch.bytes, board: board.memory };
  }

  /** Gives the thread its next batch; false when it has left meanwhile, or leaves now since the batch is too long. */
  give(batch: Batch): boolean {
    this.#take(batch);
    if (this.board.inbox.put(batch.bytes)) return true;
    this.#batch = undefined;
    this.board.inbox.dismiss();
    return false;
  }

  /** The batch that the thread is done with, once it waits for the next; all that is on the board has been read. */
  takeFinished(): Batch | undefined {
    const batch = this.#batch;
    if (batch === undefined || this.terminate.aborted || !this.board.inbox.isWaiting) return undefined;
    batch.leaveBoard();
    this.#batch = undefined;
    return batch;
  }

  /** Whether to look again; if not, the thread tells when it is done. */
  keepLooking(nowMs: number): boolean {
    if (this.#batch === undefined) return false;
    if (nowMs >= this.#lookUntilMs) this.board.inbox.unwatch();
    return nowMs < this.#lookUntilMs || this.board.inbox.isWaiting;
  }

  /** Lets a thread that waits leave. */
  dismiss(): void {
    this.board.inbox.dismiss();
  }

  get mayStall(): boolean {
    return this.#batch?.mayStall ?? false;
  }

  stop(reason: unknown): void {
    this.#batch?.stop(reason);
  }

  takeBackStalled(): readonly ThreadTask[] {
    return this.#batch?.takeBackStalled() ?? [];
  }

  takeBack(): readonly ThreadTask[] {
    return this.#batch?.takeBack() ?? [];
  }

  end(end: WorkloadEnd): void {
    this.#batch?.end(end);
  }

  #take(batch: Batch): void {
    batch.enterBoard(this.board, this.terminate);
    this.#batch = batch;
    this.#lookUntilMs = batch.expectedMs < LOOK_MS ? performance.now() + LOOK_MS : 0;
  }
}
