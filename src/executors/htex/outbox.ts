import type { PilotTask } from '../../wire/pilot/pilot-task.js';

/** A message of so many tasks, or bytes, is sent without waiting for more. */
const FULL_TASKS = 128;
const FULL_BYTES = 4 * 1024 * 1024;

/** Collects what one turn of the event loop submits, so that it travels together. */
export class Outbox {
  readonly #send: (tasks: readonly PilotTask[]) => void;
  #tasks: PilotTask[] = [];
  #bytes = 0;

  constructor(send: (tasks: readonly PilotTask[]) => void) {
    this.#send = send;
  }

  add(task: PilotTask): void {
    if (this.#tasks.length === 0) void NOW.then(this.flush);
    this.#tasks.push(task);
    for (const part of task.parts) this.#bytes += part.byteLength;
    if (this.#tasks.length >= FULL_TASKS || this.#bytes >= FULL_BYTES) this.flush();
  }

  /** Sends what there is now: before anything that must come after it. */
  readonly flush = (): void => {
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#bytes = 0;
    this.#send(tasks);
  };
}

// A `queueMicrotask` makes an asynchronous resource of each call.
const NOW = Promise.resolve();
