import type { SubmitOptions } from '../executors/executor.js';

/**
 * Gives one attempt up. The signal is made when an executor first asks for it: most attempts are never given up, and a
 * signal costs more than a small task does.
 */
export class AttemptStop implements SubmitOptions {
  #controller: AbortController | undefined;
  #listener: ((reason: unknown) => void) | undefined;
  #isAborted = false;
  #reason: unknown;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  onAbort(listener: (reason: unknown) => void): void {
    this.#listener = listener;
    if (this.#isAborted) listener(this.#reason);
  }

  /** @throws the reason, once aborted */
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
