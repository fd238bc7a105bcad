import type { AttemptEnded, RunEvent } from '../monitoring/event.js';

/**
 * One line of `events.ndjson`: what happened to some tasks of an app at one time. Each of `tasks` in turn went through all
 * of `events`. {@link eventsOf} takes it apart.
 */
export interface EventLine {
  readonly app: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** As a monitor gets them, without what the line says once. */
  readonly events: readonly LineEvent[];
  /** The number of each task; with the `usage.runMs` of its attempt where only that differs among attempts that ended. */
  readonly tasks: readonly (number | readonly [taskId: number, runMs: number])[];
}

/** What a line says of an event. */
export type LineEvent = WithoutTask<RunEvent>;

type WithoutTask<E> = E extends AttemptEnded
  ? Omit<E, keyof Common | 'usage'> & { readonly usage?: Partial<AttemptEnded['usage']> | undefined }
  : Omit<E, keyof Common>;
type Common = Pick<RunEvent, 'app' | 'atMs' | 'taskId'>;

/** The events that a line tells of, as monitors get them, in that order. @throws {SyntaxError} when it is no JSON */
export function eventsOf(line: string): RunEvent[] {
  const { app, atMs, events, tasks } = JSON.parse(line) as EventLine;
  return tasks.flatMap((task) => {
    const [taskId, runMs] = typeof task === 'number' ? [task] : task;
    return events.map((event) => {
      const { kind, ...rest } = runMs === undefined ? event : withRunMs(event, runMs);
      return { kind, atMs, taskId, app, ...rest } as RunEvent;
    });
  });
}

function withRunMs(event: LineEvent, runMs: number): LineEvent {
  return event.kind === 'attemptEnded' ? { ...event, usage: { runMs, ...event.usage } } : event;
}
