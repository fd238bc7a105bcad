import { setTimeout as sleep } from 'node:timers/promises';
import { AdaptiveLimit, type Place, type PlaceAnswer } from '../../adaptive-limit.js';
import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import { PriorityQueue } from '../../priority-queue.js';
import type { DeployedFunction } from './deployed-function.js';
import { isThrottle, lambdaFailure, retryAfterMs } from './lambda-failure.js';
import type { LambdaWire } from './lambda-wire.js';

/** An answer of the function, whether it failed or not. */
export interface Invocation {
  readonly payload: Uint8Array;
  /** Present when the function failed: `Unhandled`. */
  readonly functionError: string | undefined;
  /** The last 4 KB of the invocation's log. */
  readonly logTail: string;
}

export interface LambdaInvoker {
  /**
   * Invokes once for an answer. A refusal for load (429) is waited out, at least for its Retry-After, and never reaches
   * the caller, unless nothing got through for `throttleDeadlineMs`: `THROTTLED`. Rejects with `SERVICE_FAILED` when no answer came, else as
   * {@link lambdaFailure} says, and with `signal.reason` once aborted.
   */
  invoke(
    payload: Uint8Array,
    options: { readonly priority: number; readonly signal: AbortSignal },
  ): Promise<Invocation>;
  readonly capacity: number;
}

const LONGEST_BACK_OFF_MS = 5_000;
const FIRST_BACK_OFF_MS = 50;
const LONGEST_RETRY_AFTER_MS = 60_000;
const FIRST_LIMIT = 64;

/**
 * A refusal comes at once: what has not been refused by then, in milliseconds, has been let in, so that long tasks are no
 * slower start. From 64 to 1,000 takes a second so, no faster than Lambda lets one function grow (AWS Lambda Developer
 * Guide, "Concurrency scaling rate": 1,000 every ten seconds).
 */
export const REFUSED_WITHIN_MS = 250;

/** Invokes one function, as many at a time as it takes. */
export function createLambdaInvoker(
  wire: Pick<LambdaWire, 'invoke'>,
  fn: DeployedFunction,
  options: { readonly maxConcurrency: number; readonly throttleDeadlineMs: number },
): LambdaInvoker {
  const limit = new AdaptiveLimit(options.maxConcurrency, FIRST_LIMIT);
  const queue = new PriorityQueue<() => void>();
  let lastAnswerMs = Date.now();

  // Resolves with the place of one invocation: taken in this very turn, or a crowd of callers would all see room.
  const enter = (priority: number, signal: AbortSignal): Promise<Place> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (limit.hasRoom && queue.size === 0) return resolve(limit.take());
      const start = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(limit.take());
      };
      const giveUp = (): void => {
        queue.remove(start);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      queue.push(start, priority);
    });

  const startWaiting = (): void => {
    while (limit.hasRoom && queue.size > 0) queue.shift()?.();
  };

  const leave = (place: Place, answer: PlaceAnswer): void => {
    limit.release(place, answer);
    startWaiting();
  };

  const once = async (payload: Uint8Array, priority: number, signal: AbortSignal): Promise<Invocation | Refusal> => {
    const place = await enter(priority, signal);
    const letIn = setTimeout(() => {
      limit.letIn(place);
      startWaiting();
    }, REFUSED_WITHIN_MS);
    let answer: 'answered' | 'throttled' | 'failed' = 'failed';
    try {
      const invocation = await toInvocation(await wire.invoke(payload, signal));
      answer = 'answered';
      lastAnswerMs = Date.now();
      return invocation;
    } catch (error) {
      signal.throwIfAborted();
      if (!isThrottle(error)) throw lambdaFailure(error, { functionName: fn.name, doing: 'invoking' });
      answer = 'throttled';
      return { retryAfterMs: retryAfterMs(error) };
    } finally {
      clearTimeout(letIn);
      leave(place, answer);
    }
  };

  return {
    get capacity() {
      return limit.current;
    },
    async invoke(payload, { priority, signal }) {
      const startedMs = Date.now();
      for (let refusals = 0; ; refusals++) {
        const answer = await once(payload, priority, signal);
        if (!('retryAfterMs' in answer)) return answer;
        if (Date.now() - Math.max(startedMs, lastAnswerMs) > options.throttleDeadlineMs)
          throw throttled(fn, options.throttleDeadlineMs);
        await sleep(backOffMs(refusals, answer), undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    },
  };
}

/** The service refused for load, and may have said for how long. */
interface Refusal {
  readonly retryAfterMs: number;
}

// Never before the service said; a crowd that was refused together does not come back together.
function backOffMs(refusals: number, { retryAfterMs }: Refusal): number {
  const ceiling = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** refusals);
  const jitter = ceiling * (0.5 + Math.random() / 2);
  return Math.max(jitter, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + jitter / 2);
}

async function toInvocation(answer: Answer): Promise<Invocation> {
  const log = answer.headers['x-amz-log-result'];
  return {
    payload: await answer.body.bytes(),
    functionError: answer.headers['x-amz-function-error'],
    logTail: log === undefined ? '' : Buffer.from(log, 'base64').toString(),
  };
}

function throttled(fn: DeployedFunction, deadlineMs: number): SluiceError {
  return new SluiceError(
    'THROTTLED',
    `Lambda function '${fn.name}' refused every invocation for ${Math.round(deadlineMs / 1000)} s: raise its reserved or the account's concurrency, or see what else uses it up`,
  );
}
