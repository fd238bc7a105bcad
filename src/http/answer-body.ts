/** Of a body, so many bytes are fetched ahead of its reader. */
const AHEAD_BYTES = 1024 * 1024;

/** Where an answer's bytes come from. */
export interface BodySource {
  /** Lets nothing more come until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Ends the connection: nobody wants the rest. */
  abort(reason: Error): void;
}

/** Told how an answer's bytes come. */
export interface BodyWatcher {
  /** Its reader is behind: nothing comes for now. */
  onPause(): void;
  onResume(): void;
  /** All of them have come, read or not. */
  onEnd(): void;
  /** No more will come: the connection broke, or nobody wants them. */
  onFail(error: unknown): void;
}

/** The bytes of an answer as they come. Whoever stops reading them ends the connection. */
export class AnswerBody implements AsyncIterable<Uint8Array> {
  readonly #source: BodySource;
  readonly #chunks: Uint8Array[] = [];
  #ahead = 0;
  #isPaused = false;
  #state: { readonly kind: 'open' | 'ended' } | { readonly kind: 'failed'; readonly error: unknown } = { kind: 'open' };
  #wake: (() => void) | undefined;
  #watcher: BodyWatcher | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Tells one watcher what happens from now on, and at once what has happened. */
  watch(watcher: BodyWatcher): void {
    if (this.#state.kind === 'ended') watcher.onEnd();
    else if (this.#state.kind === 'failed') watcher.onFail(this.#state.error);
    else {
      this.#watcher = watcher;
      if (this.#isPaused) watcher.onPause();
    }
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#ahead += chunk.byteLength;
    if (this.#ahead > AHEAD_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
      this.#watcher?.onPause();
    }
    this.#wake?.();
  }

  end(): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'ended' };
    this.#wake?.();
    this.#watcher?.onEnd();
  }

  fail(error: unknown): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'failed', error };
    this.#wake?.();
    this.#watcher?.onFail(error);
  }

  /** Nobody wants the rest. */
  destroy(): void {
    if (this.#state.kind !== 'open') return;
    const reason = new Error('the rest of the answer is not wanted');
    this.fail(reason);
    this.#source.abort(reason);
  }

  /** All of it. */
  async bytes(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#ahead -= chunk.byteLength;
          if (this.#isPaused && this.#ahead < AHEAD_BYTES / 2) this.#resume();
          yield chunk;
        } else if (this.#state.kind === 'failed') throw this.#state.error;
        else if (this.#state.kind === 'ended') return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.destroy();
    }
  }

  #resume(): void {
    this.#isPaused = false;
    // It counts again before anything comes.
    this.#watcher?.onResume();
    if (this.#state.kind === 'open') this.#source.resume();
  }
}
