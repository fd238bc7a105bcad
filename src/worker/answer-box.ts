import type { PilotResult } from '../wire/pilot/pilot-task.js';
import type { WorkerReport } from '../wire/worker/worker-message.js';

const LONGEST_WAIT_MS = 1;

/** Results on their way to the manager: they wait for each other, but for no more than a millisecond. */
export class AnswerBox {
  readonly #send: (report: WorkerReport) => void;
  #results: PilotResult[] = [];
  #runMs: number[] = [];
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (report: WorkerReport) => void) {
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#results.length === 0;
  }

  add(result: PilotResult, runMs: number): void {
    if (this.isEmpty) this.#sinceMs = performance.now();
    this.#results.push(result);
    this.#runMs.push(runMs);
  }

  /** More tasks follow at once: sends what has waited long enough, and sees to it that the rest goes in time. */
  flushSoon(): void {
    if (this.isEmpty) return;
    if (performance.now() - this.#sinceMs >= LONGEST_WAIT_MS) {
      this.flush();
      return;
    }
    // A task that awaits something must not hold up those before it. Not counted as a timer of the app's.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, LONGEST_WAIT_MS).unref();
  }

  flush(): void {
    const report = this.take();
    if (report !== undefined) this.#send(report);
  }

  /** What has not been sent, for somebody else to send. */
  take(): WorkerReport | undefined {
    if (this.isEmpty) return undefined;
    const report: WorkerReport = { kind: 'results', results: this.#results, runMs: this.#runMs };
    this.#results = [];
    this.#runMs = [];
    return report;
  }
}
