import type { RunEvent } from '../monitoring/event.js';
import { EventStep } from './event-step.js';
import { LineBuffer } from './line-buffer.js';

const BUFFER_BYTES = 256 * 1024;
/** Tasks on a line, and events of each, at most. */
const MOST_TASKS = 1_000;
const MOST_EVENTS = 16;

/**
 * Writes events as {@link EventLine}s: tasks of an app that go through the same at one time, one after the other, share a
 * line. Five events to a task of microseconds leave no room for a line of each, neither in time nor on a disk.
 */
export class EventWriter {
  readonly #buffer: LineBuffer;
  readonly #nothing = new EventStep();
  /** What one task goes through. */
  #step = this.#nothing;
  #taskId = Number.NaN;
  #atMs = Number.NaN;
  #app = '';
  #runMs = 0;
  #events = 0;
  /** What the tasks of the line went through; nothing between lines. */
  #line = this.#nothing;
  #lineAtMs = Number.NaN;
  #lineApp = '';
  #tasks = 0;

  /** @param onFull takes the lines so far; they are overwritten when it returns */
  constructor(onFull: (lines: Uint8Array) => void) {
    this.#buffer = new LineBuffer(BUFFER_BYTES, onFull);
  }

  // Each kind of event has a shape of its own: what is read of it once that is known costs a fraction.
  write(event: RunEvent): void {
    switch (event.kind) {
      case 'taskCreated':
        this.#turnTo(event.taskId, event.atMs, event.app);
        this.#step = this.#step.andCreated(event);
        break;
      case 'taskStatus':
        this.#turnTo(event.taskId, event.atMs, event.app);
        this.#step = this.#step.andStatus(event);
        break;
      case 'attemptStarted':
        this.#turnTo(event.taskId, event.atMs, event.app);
        this.#step = this.#step.andStarted(event);
        break;
      case 'attemptEnded':
        // A line has room for one run time of each task, of the attempt that ended first.
        this.#begin(event.taskId, event.atMs, event.app);
        this.#runMs = event.usage?.runMs ?? 0;
        this.#step = this.#step.andEnded(event);
        break;
      case 'taskRecovery':
        this.#turnTo(event.taskId, event.atMs, event.app);
        this.#step = this.#step.andRecovery(event);
    }
    this.#events += 1;
  }

  /** Gives away what there is. */
  flush(): void {
    this.#endStep();
    this.#endLine();
    this.#buffer.flush();
  }

  #turnTo(taskId: number, atMs: number, app: string): void {
    const isSame = taskId === this.#taskId && atMs === this.#atMs && app === this.#app;
    if (!isSame || this.#events === MOST_EVENTS) this.#begin(taskId, atMs, app);
  }

  #begin(taskId: number, atMs: number, app: string): void {
    this.#endStep();
    this.#taskId = taskId;
    this.#atMs = atMs;
    this.#app = app;
    this.#events = 0;
  }

  #endStep(): void {
    const step = this.#step;
    if (step === this.#nothing) return;
    this.#step = this.#nothing;
    if (!this.#fitsLine(step)) this.#beginLine(step);
    this.#tasks += 1;
    if (step.hasRunMs) this.#buffer.timedTask(this.#taskId, Math.round(this.#runMs * 1000));
    else this.#buffer.task(this.#taskId);
  }

  #fitsLine(step: EventStep): boolean {
    const isSame = step === this.#line && this.#atMs === this.#lineAtMs && this.#app === this.#lineApp;
    return isSame && this.#tasks < MOST_TASKS && this.#buffer.hasRoom;
  }

  #beginLine(step: EventStep): void {
    this.#endLine();
    this.#line = step;
    this.#lineAtMs = this.#atMs;
    this.#lineApp = this.#app;
    this.#buffer.begin(step.head(this.#app).at(this.#atMs));
  }

  #endLine(): void {
    if (this.#line === this.#nothing) return;
    this.#line = this.#nothing;
    this.#tasks = 0;
    this.#buffer.end();
  }
}
