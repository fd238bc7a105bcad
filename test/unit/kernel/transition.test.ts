import { describe, expect, test } from 'vitest';
import { createTask, type Task, type TaskEvent, type TaskState } from '../../../src/kernel/task.js';
import { MAX_CHEAP_ATTEMPTS, transition } from '../../../src/kernel/transition.js';

const ERROR = new Error('why');

const STATES: { [K in TaskState['kind']]: TaskState & { kind: K } } = {
  waiting: { kind: 'waiting', unresolved: 1 },
  launched: { kind: 'launched', attempt: 2 },
  delayed: { kind: 'delayed', attempt: 3 },
  joining: { kind: 'joining', unresolved: 1, attempt: 2 },
  done: { kind: 'done' },
  failed: { kind: 'failed', error: ERROR, attempts: 2 },
  cancelled: { kind: 'cancelled', error: ERROR },
};
const EVENTS: { [K in TaskEvent['kind']]: TaskEvent & { kind: K } } = {
  dependencyDone: { kind: 'dependencyDone' },
  dependencyFailed: { kind: 'dependencyFailed', error: ERROR },
  attemptDone: { kind: 'attemptDone' },
  attemptFailed: { kind: 'attemptFailed', error: ERROR, class: 'app', cost: 1, delayMs: 0 },
  delayOver: { kind: 'delayOver' },
  joinReturned: { kind: 'joinReturned', unresolved: 1 },
  innerDone: { kind: 'innerDone' },
  innerFailed: { kind: 'innerFailed', error: ERROR },
  cancelled: { kind: 'cancelled', error: ERROR },
};

const failed: TaskState = { kind: 'failed', error: ERROR, attempts: 2 };
const cancelled: TaskState = { kind: 'cancelled', error: ERROR };
const settle = { kind: 'settle' };

/** Every pair that can happen, with what comes of it when no budget is left; all others are defects of the rim. */
const POSSIBLE: { [S in TaskState['kind']]: { [E in TaskEvent['kind']]?: { becomes: TaskState; command?: object } } } =
  {
    waiting: {
      dependencyDone: { becomes: { kind: 'launched', attempt: 1 }, command: { kind: 'launch', attempt: 1 } },
      dependencyFailed: { becomes: { kind: 'failed', error: ERROR, attempts: 0 }, command: settle },
      cancelled: { becomes: cancelled, command: settle },
    },
    launched: {
      attemptDone: { becomes: { kind: 'done' }, command: settle },
      attemptFailed: { becomes: failed, command: settle },
      joinReturned: { becomes: { kind: 'joining', unresolved: 1, attempt: 2 } },
      cancelled: { becomes: cancelled, command: { kind: 'abort' } },
    },
    delayed: {
      delayOver: { becomes: { kind: 'launched', attempt: 3 }, command: { kind: 'launch', attempt: 3 } },
      cancelled: { becomes: cancelled, command: settle },
    },
    joining: {
      innerDone: { becomes: { kind: 'joining', unresolved: 0, attempt: 2 }, command: { kind: 'collectJoin' } },
      attemptDone: { becomes: { kind: 'done' }, command: settle },
      innerFailed: { becomes: failed, command: settle },
      attemptFailed: { becomes: failed, command: settle },
      cancelled: { becomes: cancelled, command: settle },
    },
    done: {},
    failed: {},
    cancelled: {},
  };

const spent = (state: TaskState): Task => ({ state, retriesLeft: 0, infrastructureRetriesLeft: 0 });

describe('every pair of the table', () => {
  for (const state of Object.values(STATES)) {
    for (const event of Object.values(EVENTS)) {
      const row = POSSIBLE[state.kind][event.kind];
      const isFinal = state.kind === 'done' || state.kind === 'failed' || state.kind === 'cancelled';
      if (isFinal) {
        test(`${state.kind} absorbs ${event.kind}`, () => {
          const task = spent(state);
          expect(transition(task, event)).toEqual({ task });
        });
      } else if (row === undefined) {
        test(`${event.kind} cannot happen to a task that is ${state.kind}`, () => {
          const text = `kernel defect: ${event.kind} cannot happen to a task that is ${state.kind}`;
          expect(() => transition(spent(state), event)).toThrow(text);
        });
      } else {
        test(`${state.kind} and ${event.kind} make ${row.becomes.kind}`, () => {
          const { task, command } = transition(spent(state), event);
          expect(task).toEqual(spent(row.becomes));
          expect(command).toEqual(row.command);
        });
      }
    }
  }
});

describe('counting', () => {
  test('a task is launched by the last of its dependencies only', () => {
    const first = transition(
      createTask({ unresolved: 2, retries: 0, infrastructureRetries: 0 }),
      EVENTS.dependencyDone,
    );
    expect(first).toEqual({ task: spent({ kind: 'waiting', unresolved: 1 }) });
    expect(transition(first.task, EVENTS.dependencyDone).command).toEqual({ kind: 'launch', attempt: 1 });
  });

  test('a task without dependencies is launched by the one event it gets', () => {
    const task = createTask({ unresolved: 0, retries: 0, infrastructureRetries: 0 });
    expect(transition(task, EVENTS.dependencyDone).command).toEqual({ kind: 'launch', attempt: 1 });
  });

  test('a join is collected by the last of its futures only', () => {
    const first = transition(spent({ kind: 'joining', unresolved: 2, attempt: 1 }), EVENTS.innerDone);
    expect(first).toEqual({ task: spent({ kind: 'joining', unresolved: 1, attempt: 1 }) });
    expect(transition(first.task, EVENTS.innerDone).command).toEqual({ kind: 'collectJoin' });
  });

  test('a join that returned no future is collected at once', () => {
    const { task, command } = transition(spent(STATES.launched), { kind: 'joinReturned', unresolved: 0 });
    expect(task.state).toEqual({ kind: 'joining', unresolved: 0, attempt: 2 });
    expect(command).toEqual({ kind: 'collectJoin' });
  });
});

describe('budgets', () => {
  const launched: Task = { state: STATES.launched, retriesLeft: 1, infrastructureRetriesLeft: 1 };
  const failure = (errorClass: 'app' | 'infrastructure' | 'usage', delayMs = 0, cost = 1): TaskEvent => ({
    kind: 'attemptFailed',
    error: ERROR,
    class: errorClass,
    cost,
    delayMs,
  });
  /** How often a task is launched when every attempt fails alike. */
  const launches = (first: Task, event: TaskEvent): number => {
    for (let task: Task = { ...first, state: { kind: 'launched', attempt: 1 } }, count = 1; ; count++) {
      const next = transition(task, event);
      if (next.task.state.kind !== 'launched') return count;
      task = next.task;
    }
  };

  test('a failure of the app takes from the retries, and the next attempt is launched at once', () => {
    expect(transition(launched, failure('app'))).toEqual({
      task: { state: { kind: 'launched', attempt: 3 }, retriesLeft: 0, infrastructureRetriesLeft: 1 },
      command: { kind: 'launch', attempt: 3 },
    });
  });

  test('a failure of infrastructure takes from its own budget, and the next attempt waits', () => {
    expect(transition(launched, failure('infrastructure', 70))).toEqual({
      task: { state: { kind: 'delayed', attempt: 3 }, retriesLeft: 1, infrastructureRetriesLeft: 0 },
      command: { kind: 'launchLater', attempt: 3, delayMs: 70 },
    });
  });

  test('a failure of usage is final, whatever budgets are left', () => {
    const { task, command } = transition(launched, failure('usage'));
    expect(task).toEqual({ ...launched, state: failed });
    expect(command).toEqual(settle);
  });

  test('one budget does not stand in for the other', () => {
    expect(transition({ ...launched, retriesLeft: 0 }, failure('app')).task.state.kind).toBe('failed');
    const withoutOwn = { ...launched, infrastructureRetriesLeft: 0 };
    expect(transition(withoutOwn, failure('infrastructure')).task.state.kind).toBe('failed');
  });

  test('a join whose result cannot be made is not run again, whatever budgets are left', () => {
    const { task } = transition({ ...launched, state: STATES.joining }, failure('app'));
    expect(task.state).toEqual(failed);
  });

  test('a failure takes its cost from the budget, which is spent when less is left', () => {
    const withRetries = (retriesLeft: number): Task => ({ ...launched, retriesLeft });
    expect(launches(withRetries(2), failure('app', 0, 1))).toBe(3);
    expect(launches(withRetries(2), failure('app', 0, 0.5))).toBe(5);
    expect(launches(withRetries(2), failure('app', 0, 1.5))).toBe(2);
    expect(launches(withRetries(2), failure('app', 0, 3))).toBe(1);
    expect(launches(withRetries(0), failure('app', 0, 0.1))).toBe(1);
    expect(launches({ ...launched, infrastructureRetriesLeft: 1 }, failure('infrastructure', 0, 0.25))).toBe(5);
  });

  test('costs that are no exact binary fractions add up all the same', () => {
    for (let parts = 1; parts <= 100; parts++) {
      expect(launches({ ...launched, retriesLeft: 3 }, failure('app', 0, 1 / parts))).toBe(3 * parts + 1);
    }
  });

  test('failures that cost nothing, or next to nothing, end some day', () => {
    for (const cost of [0, 1e-12]) expect(launches(launched, failure('app', 0, cost))).toBe(MAX_CHEAP_ATTEMPTS);
    expect(launches({ ...launched, retriesLeft: 5_000 }, failure('app', 0, 1))).toBe(5_001);
  });

  test('a failed task knows how many attempts it had', () => {
    expect(transition({ ...launched, retriesLeft: 0 }, failure('app')).task.state).toMatchObject({ attempts: 2 });
    const joining: Task = { ...launched, state: { kind: 'joining', unresolved: 1, attempt: 4 } };
    expect(transition(joining, EVENTS.innerFailed).task.state).toMatchObject({ kind: 'failed', attempts: 4 });
  });
});
