import type { Abortable } from '../executors/executor.js';

/**
 * Gives one attempt up. The signal is made when an executor first asks for it: most attempts are never given up, and a
 * signal costs more than a small task does.
 */
export class AttemptStop implements Abortable {
  #controller: AbortController | undefined;
  #isAborted = false;
  #reason: unknown;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** @throws the reason, once aborted */
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
