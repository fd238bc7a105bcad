import type { EncodedValue } from '../wire/encoded-value.js';
import type { TaskEvent } from './task.js';
import type { TaskRecord } from './task-record.js';

/** Takes an event of a task, and the value that came with it. */
export type OnEvent = (record: TaskRecord, event: TaskEvent, value: EncodedValue | undefined) => void;

interface QueuedEvent {
  readonly record: TaskRecord;
  readonly event: TaskEvent;
  readonly value: EncodedValue | undefined;
}

/** Applies events one after the other: what comes of one is queued, so that a chain of any length needs no recursion. */
export class EventQueue {
  readonly #apply: OnEvent;
  readonly #waiting: QueuedEvent[] = [];
  #isApplying = false;

  constructor(apply: OnEvent) {
    this.#apply = apply;
  }

  /** Applies the event, and all that come of it; when one is being applied, after that. */
  post(record: TaskRecord, event: TaskEvent, value?: EncodedValue): void {
    if (this.#isApplying) {
      this.#waiting.push({ record, event, value });
      return;
    }
    this.#isApplying = true;
    try {
      this.#apply(record, event, value);
      if (this.#waiting.length > 0) this.#applyWaiting();
    } finally {
      this.#isApplying = false;
    }
  }

  #applyWaiting(): void {
    try {
      for (let index = 0; index < this.#waiting.length; index++) {
        const { record, event, value } = this.#waiting[index] as QueuedEvent;
        this.#apply(record, event, value);
      }
    } finally {
      this.#waiting.length = 0;
    }
  }
}
