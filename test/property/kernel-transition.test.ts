import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTask, isFinal, type Task, type TaskCommand, type TaskEvent } from '../../src/kernel/task.js';
import { transition } from '../../src/kernel/transition.js';

const error = new Error('why');
const delayMs = fc.constantFrom(0, 5);

const anyEvent: fc.Arbitrary<TaskEvent> = fc.oneof(
  fc.constant<TaskEvent>({ kind: 'dependencyDone' }),
  fc.constant<TaskEvent>({ kind: 'dependencyFailed', error }),
  fc.constant<TaskEvent>({ kind: 'attemptDone' }),
  fc.record<TaskEvent & { kind: 'attemptFailed' }>({
    kind: fc.constant('attemptFailed'),
    error: fc.constant(error),
    class: fc.constantFrom('app', 'infrastructure', 'usage'),
    cost: fc.constantFrom(1, 1, 0.5, 0.25, 2),
    delayMs,
  }),
  fc.constant<TaskEvent>({ kind: 'delayOver' }),
  fc.record<TaskEvent & { kind: 'joinReturned' }>({
    kind: fc.constant('joinReturned'),
    unresolved: fc.nat({ max: 3 }),
  }),
  fc.constant<TaskEvent>({ kind: 'innerDone' }),
  fc.constant<TaskEvent>({ kind: 'innerFailed', error }),
);
// Rare, so that histories get far.
const anyHistory = fc.array(fc.oneof({ weight: 40, arbitrary: anyEvent }, { weight: 1, arbitrary: cancelled() }), {
  minLength: 30,
  maxLength: 150,
});

function cancelled(): fc.Arbitrary<TaskEvent> {
  return fc.constant<TaskEvent>({ kind: 'cancelled', error });
}

/** One event that the table took. */
interface Step {
  readonly before: Task;
  readonly event: TaskEvent;
  readonly after: Task;
  readonly command: TaskCommand | undefined;
}

/** Replays a history: what the table calls impossible is left out, as a right rim never posts it. */
function replay(first: Task, events: readonly TaskEvent[]): Step[] {
  const steps: Step[] = [];
  let task = first;
  for (const event of events) {
    // A rim posts no innerDone beyond the last future, and no outcome before it.
    if (task.state.kind === 'joining' && event.kind === 'innerDone' && task.state.unresolved === 0) continue;
    const before = Object.freeze({ ...task, state: Object.freeze(task.state) });
    try {
      const { task: after, command } = transition(before, event);
      steps.push({ before, event, after, command });
      task = after;
    } catch (thrown) {
      expect((thrown as Error).message).toContain('kernel defect');
    }
  }
  return steps;
}

const anyRun = fc
  .record({ unresolved: fc.nat({ max: 3 }), retries: fc.nat({ max: 4 }), infrastructureRetries: fc.nat({ max: 4 }) })
  .chain((budgets) => anyHistory.map((events) => ({ budgets, steps: replay(createTask(budgets), events) })));

const failures = (steps: readonly Step[], errorClass: string): Step[] =>
  steps.filter(
    ({ before, event }) =>
      before.state.kind === 'launched' && event.kind === 'attemptFailed' && event.class === errorClass,
  );
/** What the failures of a class cost that were followed by another attempt. */
const spent = (steps: readonly Step[], errorClass: string): number =>
  failures(steps, errorClass)
    .filter(({ after }) => !isFinal(after.state))
    .reduce((sum, { event }) => sum + ((event as { cost?: number }).cost ?? 1), 0);
const launches = (steps: readonly Step[]): number[] =>
  steps.flatMap(({ command }) => (command?.kind === 'launch' ? [command.attempt] : []));

test('no history launches more attempts than the budgets allow, and attempts count up by one', () => {
  fc.assert(
    fc.property(anyRun, ({ budgets, steps }) => {
      const attempts = launches(steps);
      expect(attempts).toEqual(attempts.map((_, index) => index + 1));
      expect(attempts.length).toBeLessThanOrEqual(1 + 4 * (budgets.retries + budgets.infrastructureRetries));
    }),
    { numRuns: 500 },
  );
});

test('each budget is spent by failures of its own class only, and never below zero', () => {
  fc.assert(
    fc.property(anyRun, ({ budgets, steps }) => {
      const last = steps.at(-1)?.after ?? createTask(budgets);
      expect(last.retriesLeft).toBe(budgets.retries - spent(steps, 'app'));
      expect(last.infrastructureRetriesLeft).toBe(budgets.infrastructureRetries - spent(steps, 'infrastructure'));
      expect(Math.min(last.retriesLeft, last.infrastructureRetriesLeft)).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 500 },
  );
});

test('a failure of usage ends the task', () => {
  fc.assert(
    fc.property(anyRun, ({ steps }) => {
      for (const { after, command } of failures(steps, 'usage')) {
        expect(after.state.kind).toBe('failed');
        expect(command).toEqual({ kind: 'settle' });
      }
    }),
    { numRuns: 500 },
  );
});

test('a task settles exactly when it becomes final, and so at most once', () => {
  fc.assert(
    fc.property(anyRun, ({ steps }) => {
      const ends = steps.filter(({ command }) => command?.kind === 'settle' || command?.kind === 'abort');
      expect(ends.length).toBeLessThanOrEqual(1);
      for (const { before, after, command } of steps) {
        const ended = !isFinal(before.state) && isFinal(after.state);
        expect(command?.kind === 'settle' || command?.kind === 'abort').toBe(ended);
      }
    }),
    { numRuns: 500 },
  );
});

test('nothing follows from an event after the end, and the task stays the very same', () => {
  fc.assert(
    fc.property(anyRun, ({ steps }) => {
      for (const { before, after, command } of steps.filter((step) => isFinal(step.before.state))) {
        expect(after).toBe(before);
        expect(command).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});
