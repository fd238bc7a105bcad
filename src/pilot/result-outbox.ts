import type { Frames } from '../transport/transport.js';
import { encodeMessage } from '../wire/pilot/message-codec.js';
import type { PilotResult } from '../wire/pilot/pilot-task.js';

/** A message of results, and whose they are. */
export interface ResultMessage {
  readonly frames: Frames;
  readonly keys: readonly number[];
}

/** After a pause of this length a result travels at once: there is nothing to wait for. */
const IDLE_MS = 0.2;

/** Results on their way to the interchange: at once when there were none for a while, else those of one turn together. */
export class ResultOutbox {
  readonly #mostBytes: number;
  readonly #send: (message: ResultMessage) => void;
  #results: PilotResult[] = [];
  #bytes = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #sentAtMs = 0;

  /** @param mostBytes of one message, where it has more than one result */
  constructor(mostBytes: number, send: (message: ResultMessage) => void) {
    this.#mostBytes = mostBytes;
    this.#send = send;
  }

  add(results: readonly PilotResult[]): void {
    for (const result of results) {
      let bytes = 0;
      for (const part of result.parts) bytes += part.byteLength;
      if (this.#bytes + bytes > this.#mostBytes) this.flush();
      this.#results.push(result);
      this.#bytes += bytes;
    }
    if (performance.now() - this.#sentAtMs > IDLE_MS) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#results.length === 0) return;
    const results = this.#results;
    this.#results = [];
    this.#bytes = 0;
    this.#sentAtMs = performance.now();
    this.#send({ frames: encodeMessage({ kind: 'results', results }), keys: results.map(({ key }) => key) });
  }
}
