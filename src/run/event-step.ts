import type {
  AttemptEnded,
  AttemptStarted,
  RunEvent,
  TaskCreated,
  TaskRecovery,
  TaskStatusChanged,
} from '../monitoring/event.js';
import type { Usage } from '../wire/outcome.js';
import type { LineEvent } from './event-line.js';
import { asciiJson, LineHead } from './line-head.js';

/** Names and numbers that follow one step, and apps that take it, of which a run has few; it begins anew when they are many. */
const MOST_REMEMBERED = 32;

/**
 * Events that a task goes through at one time. Most tasks take the same few steps: they are a tree that grows by what
 * differs, so that a step is made into text once, and is the same object for every task that takes it.
 */
export class EventStep {
  /** Whether each task has a run time of its own beside it. */
  readonly hasRunMs: boolean;
  readonly #events: string;
  readonly #longer: Longer[] = [];
  readonly #heads: { readonly app: string; readonly head: LineHead }[] = [];

  /** @param events JSON of the events, without the brackets around them */
  constructor(events = '', hasRunMs = false) {
    this.#events = events;
    this.hasRunMs = hasRunMs;
  }

  /** This step and then one more event; so do the others below. */
  andCreated(event: TaskCreated): EventStep {
    return this.#known(event.kind, '', '', 0) ?? this.#remember(event.kind, '', '', 0, this.#with(event));
  }

  andStatus(event: TaskStatusChanged): EventStep {
    const { kind, from, status } = event;
    return this.#known(kind, from, status, 0) ?? this.#remember(kind, from, status, 0, this.#with(event));
  }

  andStarted(event: AttemptStarted): EventStep {
    const { kind, executor, attempt } = event;
    return this.#known(kind, executor, '', attempt) ?? this.#remember(kind, executor, '', attempt, this.#with(event));
  }

  andEnded(event: AttemptEnded): EventStep {
    const { kind, executor, attempt, error, usage } = event;
    // What differs from all others need not be remembered.
    if (usage === undefined) return this.#with(event);
    if (error !== undefined || !isPlain(usage)) return this.#with({ ...event, usage: rounded(usage) });
    const { where, stagingMs } = usage;
    return (
      this.#known(kind, executor, where, attempt) ??
      this.#remember(kind, executor, where, attempt, this.#with({ ...event, usage: { where, stagingMs } }, true))
    );
  }

  andRecovery(event: TaskRecovery): EventStep {
    return this.#with(event);
  }

  /** What a line begins with that tells of this step of an app's tasks. */
  head(app: string): LineHead {
    const heads = this.#heads;
    for (let index = 0; index < heads.length; index++) {
      const known = heads[index] as (typeof heads)[number];
      if (known.app === app) return known.head;
    }
    if (heads.length === MOST_REMEMBERED) heads.length = 0;
    const head = new LineHead(`{"app":${asciiJson(app)},"atMs":`, `,"events":[${this.#events}],"tasks":[`);
    heads.push({ app, head });
    return head;
  }

  #known(kind: RunEvent['kind'], a: string, b: string, n: number): EventStep | undefined {
    const longer = this.#longer;
    for (let index = 0; index < longer.length; index++) {
      const one = longer[index] as Longer;
      if (one.kind === kind && one.a === a && one.b === b && one.n === n) return one.step;
    }
    return undefined;
  }

  #remember(kind: RunEvent['kind'], a: string, b: string, n: number, step: EventStep): EventStep {
    if (this.#longer.length === MOST_REMEMBERED) this.#longer.length = 0;
    this.#longer.push({ kind, a, b, n, step });
    return step;
  }

  #with({ app, atMs, taskId, ...event }: Described, hasRunMs = this.hasRunMs): EventStep {
    const json = asciiJson(event satisfies LineEvent);
    return new EventStep(this.#events === '' ? json : `${this.#events},${json}`, hasRunMs);
  }
}

/** A step that is longer by one event, and what tells that event from others: two names and a number. */
interface Longer {
  readonly kind: RunEvent['kind'];
  readonly a: string;
  readonly b: string;
  readonly n: number;
  readonly step: EventStep;
}

type Described = LineEvent & Pick<RunEvent, 'app' | 'atMs' | 'taskId'>;

/** Longer times are of tasks that are few, and go with the rest of what is told of them. */
const LONGEST_MS = 1_000_000;

// What very small tasks use, which are many.
function isPlain({ runMs, stagingMs, cpuMs, peakMemoryMiB, billed }: Usage): boolean {
  const isShort = stagingMs === 0 && runMs >= 0 && runMs <= LONGEST_MS;
  return isShort && cpuMs === undefined && peakMemoryMiB === undefined && billed === undefined;
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
