import type { AttemptEnded, RunEvent } from '../monitoring/event.js';

const END: Buffer = Buffer.from('}\n');
const CLOSE: Buffer = Buffer.from('}');
const BUFFER_BYTES = 64 * 1024;
/** More than any line without an error takes; what has no bound is written as a string of its own. */
const LONGEST_LINE = 4 * 1024;

/**
 * Collects events as lines of JSON, as bytes in one buffer: five events to a task of microseconds leave no room for
 * strings. What few events differ in (names, states, attempts) is made once; numbers are written digit by digit.
 */
export class EventWriter {
  readonly #bytes: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  readonly #onFull: (lines: Uint8Array) => void;
  #length = 0;
  #lastAtMs = Number.NaN;
  #lastTime: Uint8Array = END;

  readonly #head = onceEachPair(
    (kind: string, app: string) => `{"kind":"${kind}","app":${JSON.stringify(app)},"atMs":`,
  );
  readonly #change = onceEachPair((from: string, to: string) => `,"from":"${from}","status":"${to}"}\n`);
  readonly #attempt = onceEachPair((executor: string, attempt: number) => {
    return `,"executor":${JSON.stringify(executor)},"attempt":${attempt}`;
  });
  readonly #where = onceEachPair((where: string, _: '') => `,"where":${JSON.stringify(where)}`);

  /** @param onFull takes the lines so far; they are overwritten when it returns */
  constructor(onFull: (lines: Uint8Array) => void) {
    this.#onFull = onFull;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  write(event: RunEvent): void {
    if (this.#length + LONGEST_LINE > BUFFER_BYTES) this.flush();
    this.#put(this.#head(event.kind, event.app));
    this.#put(this.#timeOf(event.atMs));
    this.#putInteger(event.taskId);
    switch (event.kind) {
      case 'taskCreated':
        this.#put(END);
        return;
      case 'taskStatus':
        this.#put(this.#change(event.from, event.status));
        return;
      case 'attemptStarted':
        this.#put(this.#attempt(event.executor, event.attempt));
        this.#put(END);
        return;
      case 'attemptEnded':
        this.#put(this.#attempt(event.executor, event.attempt));
        this.#putEnding(event);
        this.#put(END);
        return;
    }
  }

  /** Gives away what there is. */
  flush(): void {
    if (this.#length > 0) this.#onFull(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }

  // Many events share a millisecond.
  #timeOf(atMs: number): Uint8Array {
    if (atMs !== this.#lastAtMs) this.#lastTime = Buffer.from(`${atMs},"taskId":`);
    this.#lastAtMs = atMs;
    return this.#lastTime;
  }

  #putEnding({ error, usage }: AttemptEnded): void {
    if (error !== undefined) this.#putText(`,"error":${JSON.stringify(error)}`);
    if (usage === undefined) return;
    this.#put(RUN_MS);
    this.#putMilliseconds(usage.runMs);
    this.#put(STAGING_MS);
    this.#putMilliseconds(usage.stagingMs);
    if (usage.cpuMs !== undefined) {
      this.#put(CPU_MS);
      this.#putMilliseconds(usage.cpuMs);
    }
    if (usage.peakMemoryMiB !== undefined) this.#putText(`,"peakMemoryMiB":${Math.round(usage.peakMemoryMiB)}`);
    this.#put(this.#where(usage.where, ''));
    if (usage.billed !== undefined) this.#putText(`,"billed":${JSON.stringify(usage.billed)}`);
    this.#put(CLOSE);
  }

  #put(piece: Uint8Array): void {
    if (this.#length + piece.length > BUFFER_BYTES) {
      this.#putLong(piece);
      return;
    }
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
  }

  #putText(text: string): void {
    this.#put(Buffer.from(text));
  }

  // A line longer than the buffer goes out in pieces.
  #putLong(piece: Uint8Array): void {
    this.flush();
    if (piece.length > BUFFER_BYTES) this.#onFull(piece);
    else this.#put(piece);
  }

  #putInteger(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      this.#putText(`${value}`);
      return;
    }
    let end = this.#length + 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
    this.#length = end;
    for (let rest = value; ; ) {
      const tens = Math.floor(rest / 10);
      end -= 1;
      this.#bytes[end] = ZERO + (rest - tens * 10);
      if (tens === 0) return;
      rest = tens;
    }
  }

  // To the microsecond: clocks tell no more.
  #putMilliseconds(value: number): void {
    const microseconds = Math.round(value * 1000);
    const whole = Math.floor(microseconds / 1000);
    const rest = microseconds - whole * 1000;
    this.#putInteger(whole);
    if (rest === 0) return;
    const hundreds = Math.floor(rest / 100);
    const tens = Math.floor(rest / 10) - hundreds * 10;
    this.#bytes[this.#length] = POINT;
    this.#bytes[this.#length + 1] = ZERO + hundreds;
    this.#bytes[this.#length + 2] = ZERO + tens;
    this.#bytes[this.#length + 3] = ZERO + rest - hundreds * 100 - tens * 10;
    this.#length += 4;
  }
}

const ZERO = 0x30;
const POINT = 0x2e;
const RUN_MS: Buffer = Buffer.from(',"usage":{"runMs":');
const STAGING_MS: Buffer = Buffer.from(',"stagingMs":');
const CPU_MS: Buffer = Buffer.from(',"cpuMs":');

/** Remembers the bytes of what `make` made of each pair: of names and numbers of which a run has few. */
function onceEachPair<A, B>(make: (a: A, b: B) => string): (a: A, b: B) => Uint8Array {
  const made = new Map<A, Map<B, Uint8Array>>();
  return (a, b) => {
    const ofA = made.get(a) ?? new Map<B, Uint8Array>();
    const known = ofA.get(b);
    if (known !== undefined) return known;
    const fresh = Buffer.from(make(a, b));
    made.set(a, ofA.set(b, fresh));
    return fresh;
  };
}
