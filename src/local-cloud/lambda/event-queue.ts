import { setTimeout as sleep } from 'node:timers/promises';
import type { InvocationFault } from '../faults/fault.js';
import type { InvocationRequest, InvocationResult } from './invocation-outcome.js';
import { LambdaError } from './lambda-error.js';

/** An Event invocation: accepted, to be run later. */
export interface QueuedEvent {
  readonly functionName: string;
  readonly request: InvocationRequest;
  /** What goes wrong with its first run. */
  readonly fault?: InvocationFault;
}

// AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": after throttling
// and errors of the system, events are tried again after 1 second at first and 5 minutes at most, for up to 6 hours. Here the longest pause is 5 s.
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 5_000;
const MAX_EVENT_AGE_MS = 6 * 3_600_000;

/**
 * Runs Event invocations in the background: at once, again after each of `retryDelaysMs` when the function fails, and
 * with growing pauses while there is no room for it. An event that keeps failing is dropped; it never hurts the rest.
 * Events are kept in memory only: what is not done when local-cloud is killed is lost.
 */
export class EventQueue {
  readonly #invoke: (event: QueuedEvent) => Promise<InvocationResult>;
  readonly #retryDelaysMs: readonly number[];
  readonly #running = new Set<Promise<void>>();
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();

  /** @param invoke rejects with a LambdaError when the function cannot run now, or not any more. */
  constructor(invoke: (event: QueuedEvent) => Promise<InvocationResult>, retryDelaysMs: readonly number[]) {
    this.#invoke = invoke;
    this.#retryDelaysMs = retryDelaysMs;
  }

  push(event: QueuedEvent): void {
    this.#start(event, this.#retryDelaysMs);
  }

  /** Runs it once, as soon as there is room; not again when the function fails. */
  deliver(event: QueuedEvent): void {
    this.#start(event, []);
  }

  #start(event: QueuedEvent, retryDelaysMs: readonly number[]): void {
    const done = this.#run(event, retryDelaysMs)
      .catch(() => undefined)
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /** Gives what is queued `graceMs` to end, with no more pauses before retries; what is left then is dropped. */
  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#drain.abort();
    const grace = new AbortController();
    const allDone = (async () => {
      while (this.#running.size > 0) await Promise.all(this.#running);
    })();
    await Promise.race([allDone, sleep(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
    this.#stop.abort();
  }

  async #run({ fault, ...event }: QueuedEvent, retryDelaysMs: readonly number[]): Promise<void> {
    for (const [run, delayMs] of [0, ...retryDelaysMs].entries()) {
      await pause(delayMs, this.#drain.signal);
      const result = await this.#whenThereIsRoom(run === 0 && fault !== undefined ? { ...event, fault } : event);
      if (result === undefined || !result.failed) return;
    }
  }

  /** `undefined` when it could not run at all: too old, or local-cloud closes, or the function is gone. */
  async #whenThereIsRoom(event: QueuedEvent): Promise<InvocationResult | undefined> {
    const giveUpAtMs = Date.now() + MAX_EVENT_AGE_MS;
    let backoffMs = FIRST_BACKOFF_MS;
    while (!this.#stop.signal.aborted && Date.now() < giveUpAtMs) {
      try {
        return await this.#invoke(event);
      } catch (error) {
        if (error instanceof LambdaError && error.name === 'ResourceNotFoundException') return undefined;
      }
      await pause(this.#drain.signal.aborted ? FIRST_BACKOFF_MS : backoffMs, this.#stop.signal);
      backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS);
    }
    return undefined;
  }
}

/** Waits, shorter once the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0 && !signal.aborted) await sleep(ms, undefined, { signal }).catch(() => undefined);
}
