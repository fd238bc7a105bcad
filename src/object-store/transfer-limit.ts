import { AdaptiveLimit, type Place, type PlaceAnswer } from '../adaptive-limit.js';
import { AnswerBody, type BodyWatcher } from '../http/answer-body.js';
import type { Gate, GatePlace } from './retry-policy.js';
import { WaitingLine } from './waiting-line.js';

/** What a destination of which nothing is known gets at a time. */
const FIRST_LIMIT = 16;

const limits = new Map<string, TransferLimit>();

/**
 * The limit of all transfers of this process from and to one place: the same one each time, and what it has learnt stays.
 *
 * @param destination URL of a server, or of a bucket
 * @param most what it may grow to; the largest that was ever asked for counts
 */
export function transferLimitOf(destination: string, most: number): TransferLimit {
  const known = limits.get(destination);
  known?.raise(most);
  if (known !== undefined) return known;
  const limit = new TransferLimit(most);
  limits.set(destination, limit);
  return limit;
}

/**
 * Lets as many transfers go at a time as their destination takes: it grows while some wait and none is refused, shrinks with
 * refusals and broken connections, and recovers ({@link AdaptiveLimit}). First come, first served, and who was refused
 * before those who have not been there yet.
 */
export class TransferLimit {
  readonly #limit: AdaptiveLimit;
  readonly #newcomers = new WaitingLine();
  readonly #refused = new WaitingLine();

  constructor(most: number, first: number = FIRST_LIMIT) {
    this.#limit = new AdaptiveLimit(most, first);
  }

  /** How many may be under way now. */
  get current(): number {
    return this.#limit.current;
  }

  raise(most: number): void {
    this.#limit.raise(most);
  }

  /** The way in for requests whose failures mean what `answerOf` says. */
  gateFor(answerOf: (error: unknown) => PlaceAnswer): Gate {
    const take = (): TransferPlace => new TransferPlace(this.#limit, answerOf, this.#leave);
    return {
      enter: (signal, turn) => {
        // As long as there is room, nobody waits.
        if (this.#limit.hasRoom) return take();
        return (turn === 'first' ? this.#newcomers : this.#refused).wait(1, take, signal);
      },
    };
  }

  readonly #leave = (place: Place | undefined, answer: PlaceAnswer): void => {
    const isWanted = !(this.#newcomers.isEmpty && this.#refused.isEmpty);
    // A success among few says nothing about many.
    if (place !== undefined) this.#limit.release(place, answer === 'answered' && !isWanted ? 'failed' : answer);
    while (this.#limit.hasRoom) {
      const line = this.#refused.isEmpty ? this.#newcomers : this.#refused;
      if (line.isEmpty) return;
      line.callFirst();
    }
  };
}

/** Held until the answer has come whole; it does not count while its reader is behind, so that readers can wait for others. */
class TransferPlace implements GatePlace, BodyWatcher {
  readonly #limit: AdaptiveLimit;
  readonly #answerOf: (error: unknown) => PlaceAnswer;
  readonly #leave: (place: Place | undefined, answer: PlaceAnswer) => void;
  readonly #place: Place;
  #state: 'moving' | 'paused' | 'left' = 'moving';

  constructor(
    limit: AdaptiveLimit,
    answerOf: (error: unknown) => PlaceAnswer,
    leave: (place: Place | undefined, answer: PlaceAnswer) => void,
  ) {
    this.#limit = limit;
    this.#answerOf = answerOf;
    this.#leave = leave;
    this.#place = limit.take();
  }

  succeeded(result: unknown): void {
    const body = typeof result === 'object' && result !== null && 'body' in result ? result.body : undefined;
    if (body instanceof AnswerBody) body.watch(this);
    else this.#end('answered');
  }

  failed(error: unknown): void {
    this.#end(this.#answerOf(error));
  }

  onPause(): void {
    if (this.#state !== 'moving') return;
    this.#state = 'paused';
    this.#limit.suspend();
    this.#leave(undefined, 'failed');
  }

  onResume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'moving';
    this.#limit.resume();
  }

  onEnd(): void {
    this.#end('answered');
  }

  onFail(error: unknown): void {
    this.failed(error);
  }

  #end(answer: PlaceAnswer): void {
    if (this.#state === 'left') return;
    this.onResume();
    this.#state = 'left';
    this.#leave(this.#place, answer);
  }
}
