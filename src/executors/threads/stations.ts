import { ClaimBoard } from '../../wire/threads/claim-board.js';
import type { Batch } from './batch.js';
import { Station } from './station.js';

/**
 * The threads of a pool that are at boards. As long as a batch should be over at once, every turn of the event loop looks
 * for its end: waking a client that sleeps takes longer than a small task.
 */
export class Stations {
  readonly #all = new Set<Station>();
  /** Their threads wait for a batch, unless they have just left. */
  readonly #idle: Station[] = [];
  readonly #idleBoards: ClaimBoard[] = [];
  /** Called when threads are idle, before their tasks are answered: they run meanwhile. */
  readonly #onIdle: () => void;
  readonly #answers: (() => void)[] = [];
  #isLooking = false;
  #isAnswering = false;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Gives a batch to an idle thread; else answers with the station that a thread is to come to. */
  give(batch: Batch): Station | undefined {
    this.#watch();
    if (this.#idle.pop()?.give(batch) === true) return undefined;
    const station = new Station(batch, this.#idleBoards.pop() ?? new ClaimBoard());
    this.#all.add(station);
    return station;
  }

  /** Sees to the batches that are over. */
  look(): void {
    for (const station of this.#all) {
      const finished = station.takeFinished();
      if (finished === undefined) continue;
      this.#idle.push(station);
      this.#answers.push(() => finished.end({ kind: 'finished', answer: {} }));
      this.#onIdle();
    }
    this.#answerAll();
  }

  /** Has tasks answered, once those before them are: an answer may lead to a call, and that to a look at what is over. */
  answer(tell: () => void): void {
    this.#answers.push(tell);
    this.#answerAll();
  }

  /** The thread has left. */
  remove(station: Station): void {
    this.#all.delete(station);
    const index = this.#idle.indexOf(station);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  /** No thread uses that board any more, and all that is on it has been read. */
  reuse(board: ClaimBoard): void {
    this.#idleBoards.push(board);
  }

  /** Lets an idle thread leave, if there is one: it can do something else then. */
  dismissOne(): void {
    this.#idle.pop()?.dismiss();
  }

  #answerAll(): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    try {
      for (let tell = this.#answers.shift(); tell !== undefined; tell = this.#answers.shift()) tell();
    } finally {
      this.#isAnswering = false;
    }
  }

  #watch(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    // On a processor that both share the thread may be done already.
    queueMicrotask(this.#lookOn);
  }

  readonly #lookOn = (): void => {
    this.look();
    const nowMs = performance.now();
    let again = false;
    for (const station of this.#all) if (station.keepLooking(nowMs)) again = true;
    this.#isLooking = again;
    if (again) setImmediate(this.#lookOn);
  };
}
