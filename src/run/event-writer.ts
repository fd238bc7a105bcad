import type { AttemptEnded, RunEvent } from '../monitoring/event.js';
import type { Usage } from '../wire/outcome.js';
import { AppHeads } from './event-heads.js';
import { LineEnd } from './event-line-end.js';
import { WordBuffer, type Words, wordsOf } from './event-words.js';

const BUFFER_BYTES = 256 * 1024;
/** More than any line with names of usual length takes; such lines are not divided between two batches. */
const LONG_LINE_WORDS = 128;

/**
 * Collects events as lines of JSON, as bytes in one buffer: five events to a task of microseconds leave no room for
 * strings. What lines have in common (names, states, the millisecond) is made once, and copied as {@link Words}.
 */
export class EventWriter {
  readonly #buffer: WordBuffer;
  readonly #end = new LineEnd();
  readonly #apps = new Map<string, AppHeads>();
  #lastApp = new AppHeads('');

  /** @param onFull takes the lines so far; they are overwritten when it returns */
  constructor(onFull: (lines: Uint8Array) => void) {
    this.#buffer = new WordBuffer(BUFFER_BYTES, onFull);
  }

  write(event: RunEvent): void {
    this.#buffer.reserve(LONG_LINE_WORDS);
    const heads = event.app === this.#lastApp.app ? this.#lastApp : this.#headsOf(event.app);
    switch (event.kind) {
      case 'taskCreated':
        this.#buffer.put(heads.created.at(event.atMs));
        break;
      case 'taskStatus':
        this.#buffer.put(heads.status(event.from, event.status).at(event.atMs));
        break;
      case 'attemptStarted':
        this.#buffer.put(heads.started(event.executor, event.attempt).at(event.atMs));
        break;
      case 'attemptEnded':
        this.#putEnded(heads, event);
        break;
    }
    this.#end.set(event.taskId);
    this.#buffer.put(this.#end.words, this.#end.start);
  }

  /** Gives away what there is. */
  flush(): void {
    this.#buffer.flush();
  }

  #headsOf(app: string): AppHeads {
    this.#lastApp = this.#apps.get(app) ?? new AppHeads(app);
    this.#apps.set(app, this.#lastApp);
    return this.#lastApp;
  }

  #putEnded(heads: AppHeads, { atMs, executor, attempt, error, usage }: AttemptEnded): void {
    if (error === undefined && usage !== undefined && isShort(usage)) {
      this.#buffer.put(heads.answered(executor, attempt, usage.where).at(atMs));
      this.#buffer.putThousandths(Math.round(usage.runMs * 1000));
      this.#buffer.put(NOT_STAGED);
      return;
    }
    this.#buffer.put(heads.ended(executor, attempt).at(atMs));
    if (error !== undefined) this.#buffer.putText(`,"error":${JSON.stringify(error)}`);
    if (usage !== undefined) this.#buffer.putText(`,"usage":${JSON.stringify(rounded(usage))}`);
    this.#buffer.put(TASK_ID);
  }
}

const NOT_STAGED: Words = wordsOf(',"stagingMs":0},"taskId":');
const TASK_ID: Words = wordsOf(',"taskId":');
/** Of longer ones there are few enough to write them in another way. */
const SHORT_MS = 9.999;

// What very small tasks use, which are many.
function isShort({ runMs, stagingMs, cpuMs, peakMemoryMiB, billed }: Usage): boolean {
  const isPlain = cpuMs === undefined && peakMemoryMiB === undefined && billed === undefined;
  return isPlain && stagingMs === 0 && runMs >= 0 && runMs <= SHORT_MS;
}

// To the microsecond and to the MiB: clocks and services tell no more.
function rounded(usage: Usage): Usage {
  const { runMs, stagingMs, cpuMs, peakMemoryMiB, ...rest } = usage;
  return {
    runMs: toMicroseconds(runMs),
    stagingMs: toMicroseconds(stagingMs),
    ...(cpuMs !== undefined && { cpuMs: toMicroseconds(cpuMs) }),
    ...(peakMemoryMiB !== undefined && { peakMemoryMiB: Math.round(peakMemoryMiB) }),
    ...rest,
  };
}

function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
