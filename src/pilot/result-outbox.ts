import type { Frames } from '../transport/transport.js';
import { encodeMessage } from '../wire/pilot/message-codec.js';
import type { PilotResult } from '../wire/pilot/pilot-task.js';

/** A message of results, and whose they are. */
export interface ResultMessage {
  readonly frames: Frames;
  readonly keys: readonly number[];
}

/** Results of one turn of the event loop on their way to the interchange, together. */
export class ResultOutbox {
  readonly #mostBytes: number;
  readonly #send: (message: ResultMessage) => void;
  #results: PilotResult[] = [];
  #bytes = 0;
  #scheduled: NodeJS.Immediate | undefined;

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
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#results.length === 0) return;
    const results = this.#results;
    this.#results = [];
    this.#bytes = 0;
    this.#send({ frames: encodeMessage({ kind: 'results', results }), keys: results.map(({ key }) => key) });
  }
}
