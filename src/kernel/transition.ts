import { isFinal, type Task, type TaskCommand, type TaskEvent, type TaskState } from './task.js';

/** What an event makes of a task, and what to do about it. */
export interface Transition {
  readonly task: Task;
  readonly command?: TaskCommand;
}

/** Attempts of a task whose failures cost less than 1 each: however little they cost, there is an end. */
export const MAX_CHEAP_ATTEMPTS = 1_000;

/**
 * The kernel's one rule book: pure, so that any history can be replayed.
 *
 * | state    | event            | becomes                 | command        |
 * |----------|------------------|-------------------------|----------------|
 * | waiting  | dependencyDone   | waiting, one fewer      | launch at zero |
 * | waiting  | dependencyFailed | failed                  | settle         |
 * | launched | attemptDone      | done                    | settle         |
 * | launched | attemptFailed    | launched, next attempt  | launch         |
 * | launched | attemptFailed    | delayed, next attempt   | launchLater    |
 * | launched | attemptFailed    | failed: budget is spent | settle         |
 * | launched | joinReturned     | joining                 | collectJoin at zero |
 * | delayed  | delayOver        | launched                | launch         |
 * | joining  | innerDone        | joining, one fewer      | collectJoin at zero |
 * | joining  | attemptDone      | done                    | settle         |
 * | joining  | innerFailed, attemptFailed | failed        | settle         |
 * | launched | cancelled        | cancelled               | abort          |
 * | any other not final | cancelled | cancelled           | settle         |
 * | final    | any              | unchanged               | none           |
 *
 * A class `usage` failure is never repeated; `app` and `infrastructure` failures have a budget each, from which each
 * failure takes its cost. What costs nothing is repeated {@link MAX_CHEAP_ATTEMPTS} times at most.
 *
 * @throws {Error} on a pair the table does not have: a defect of the rim, not of the user.
 */
export function transition(task: Task, event: TaskEvent): Transition {
  const { state } = task;
  if (isFinal(state)) return { task };
  switch (event.kind) {
    case 'dependencyDone':
      return onDependencyDone(task, expect(state, 'waiting', event));
    case 'dependencyFailed':
      expect(state, 'waiting', event);
      return settle(task, { kind: 'failed', error: event.error, attempts: 0 });
    case 'attemptDone':
      expect(state, state.kind === 'joining' ? 'joining' : 'launched', event);
      return settle(task, DONE);
    case 'attemptFailed':
      return onAttemptFailed(task, event);
    case 'delayOver':
      return launch(task, expect(state, 'delayed', event).attempt);
    case 'joinReturned':
      return joining(task, event.unresolved, expect(state, 'launched', event).attempt);
    case 'innerDone': {
      const { unresolved, attempt } = expect(state, 'joining', event);
      return joining(task, unresolved - 1, attempt);
    }
    case 'innerFailed':
      return settle(task, { kind: 'failed', error: event.error, attempts: expect(state, 'joining', event).attempt });
    case 'cancelled':
      return {
        task: withState(task, { kind: 'cancelled', error: event.error }),
        command: state.kind === 'launched' ? ABORT : SETTLE,
      };
  }
}

const DONE: TaskState = { kind: 'done' };
const SETTLE: TaskCommand = { kind: 'settle' };
const ABORT: TaskCommand = { kind: 'abort' };
const COLLECT: TaskCommand = { kind: 'collectJoin' };

function onDependencyDone(task: Task, state: { unresolved: number }): Transition {
  if (state.unresolved > 1) return { task: withState(task, { kind: 'waiting', unresolved: state.unresolved - 1 }) };
  return launch(task, 1);
}

function onAttemptFailed(task: Task, event: TaskEvent & { kind: 'attemptFailed' }): Transition {
  const { state } = task;
  const { attempt } = state.kind === 'joining' ? state : expect(state, 'launched', event);
  const paid = state.kind === 'joining' ? undefined : pay(task, event, attempt);
  if (paid === undefined) return settle(task, { kind: 'failed', error: event.error, attempts: attempt });
  return again(paid, attempt + 1, event.delayMs);
}

// Costs such as 0.1 are no exact binary fractions: ten of them have to fit into a budget of 1.
const ROUNDING = 1e-9;

/** The task less what the failure costs; `undefined` when it cannot be repeated. */
function pay(task: Task, { class: errorClass, cost }: TaskEvent & { kind: 'attemptFailed' }, attempt: number) {
  if (errorClass === 'usage' || (cost < 1 && attempt >= MAX_CHEAP_ATTEMPTS)) return undefined;
  const budget = errorClass === 'app' ? 'retriesLeft' : 'infrastructureRetriesLeft';
  const left = task[budget] - cost;
  return left < -ROUNDING ? undefined : { ...task, [budget]: Math.max(0, left) };
}

function again(task: Task, attempt: number, delayMs: number): Transition {
  if (delayMs === 0) return launch(task, attempt);
  return { task: withState(task, { kind: 'delayed', attempt }), command: { kind: 'launchLater', attempt, delayMs } };
}

function launch(task: Task, attempt: number): Transition {
  return { task: withState(task, { kind: 'launched', attempt }), command: { kind: 'launch', attempt } };
}

function joining(task: Task, unresolved: number, attempt: number): Transition {
  const next = withState(task, { kind: 'joining', unresolved, attempt });
  return unresolved === 0 ? { task: next, command: COLLECT } : { task: next };
}

function settle(task: Task, state: TaskState): Transition {
  return { task: withState(task, state), command: SETTLE };
}

function withState({ retriesLeft, infrastructureRetriesLeft }: Task, state: TaskState): Task {
  return { state, retriesLeft, infrastructureRetriesLeft };
}

function expect<K extends TaskState['kind']>(state: TaskState, kind: K, event: TaskEvent): TaskState & { kind: K } {
  if (state.kind === kind) return state as TaskState & { kind: K };
  throw new Error(`kernel defect: ${event.kind} cannot happen to a task that is ${state.kind}`);
}
