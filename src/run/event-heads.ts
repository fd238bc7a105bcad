import { asciiJson, type Words, wordsOf } from './event-words.js';

/** What lines have in common before the point where they differ, but for the time. */
export class LineHead {
  readonly #before: string;
  readonly #after: string;
  #words: Words = wordsOf('');
  #bytes: Buffer = Buffer.from(this.#words.buffer);
  #atMs = Number.NaN;
  #timeLength = 0;

  constructor(before: string, after: string) {
    this.#before = `${before},"atMs":`;
    this.#after = after;
  }

  /** The head at this time, until it is asked for at another one. Many events share a millisecond. */
  at(atMs: number): Words {
    if (atMs !== this.#atMs) this.#setTime(`${atMs}`);
    this.#atMs = atMs;
    return this.#words;
  }

  #setTime(time: string): void {
    if (time.length === this.#timeLength) {
      this.#bytes.write(time, this.#before.length);
      return;
    }
    this.#words = wordsOf(`${this.#before}${time}${this.#after}`);
    this.#bytes = Buffer.from(this.#words.buffer);
    this.#timeLength = time.length;
  }
}

/** The heads of one app's lines. */
export class AppHeads {
  readonly app: string;
  /** Ends where the task's number stands, as {@link status} and {@link started} do. */
  readonly created: LineHead;
  readonly #status: Remembered<string>;
  readonly #started: Remembered<number>;
  readonly #ended: Remembered<number>;
  readonly #answered: Remembered<number>;

  constructor(app: string) {
    const name = asciiJson(app);
    const attempt = (kind: string, executor: string, number: number): string =>
      `{"kind":"${kind}","app":${name},"executor":${asciiJson(executor)},"attempt":${number}`;
    this.app = app;
    this.created = new LineHead(`{"kind":"taskCreated","app":${name}`, TASK_ID);
    this.#status = new Remembered((from, status) => {
      return new LineHead(`{"kind":"taskStatus","app":${name},"from":"${from}","status":"${status}"`, TASK_ID);
    });
    this.#started = new Remembered((executor, number) => {
      return new LineHead(attempt('attemptStarted', executor, number), TASK_ID);
    });
    this.#ended = new Remembered((executor, number) => new LineHead(attempt('attemptEnded', executor, number), ''));
    this.#answered = new Remembered((executor, number, where) => {
      return new LineHead(attempt('attemptEnded', executor, number), `,"usage":{"where":${asciiJson(where)},"runMs":`);
    });
  }

  status(from: string, status: string): LineHead {
    return this.#status.of(from, status, '');
  }

  started(executor: string, attempt: number): LineHead {
    return this.#started.of(executor, attempt, '');
  }

  /** Ends after the time. */
  ended(executor: string, attempt: number): LineHead {
    return this.#ended.of(executor, attempt, '');
  }

  /** The same with the usage up to the milliseconds that the attempt took. */
  answered(executor: string, attempt: number, where: string): LineHead {
    return this.#answered.of(executor, attempt, where);
  }
}

const TASK_ID = ',"taskId":';
const MOST_REMEMBERED = 32;

/** Remembers the heads of names and numbers of which a run has few; begins anew when they are many. */
class Remembered<B> {
  readonly #make: (a: string, b: B, c: string) => LineHead;
  readonly #known: { readonly a: string; readonly b: B; readonly c: string; readonly head: LineHead }[] = [];

  constructor(make: (a: string, b: B, c: string) => LineHead) {
    this.#make = make;
  }

  of(a: string, b: B, c: string): LineHead {
    const known = this.#known;
    for (let index = 0; index < known.length; index++) {
      const one = known[index] as (typeof known)[number];
      if (one.a === a && one.b === b && one.c === c) return one.head;
    }
    if (known.length === MOST_REMEMBERED) known.length = 0;
    const head = this.#make(a, b, c);
    known.push({ a, b, c, head });
    return head;
  }
}
