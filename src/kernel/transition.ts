import { isFinal, type Task, type TaskCommand, type TaskEvent, type TaskState } from './task.js';

/** What an event makes of a task, and what to do about it. */
export interface Transition {
  readonly task: Task;
  readonly command?: TaskCommand;
}

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
 * A class `usage` failure is never repeated; `app` and `infrastructure` failures have a budget each.
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
      return settle(task, { kind: 'failed', error: event.error });
    case 'attemptDone':
      expect(state, state.kind === 'joining' ? 'joining' : 'launched', event);
      return settle(task, { kind: 'done' });
    case 'attemptFailed':
      return onAttemptFailed(task, event);
    case 'delayOver':
      return launch(task, expect(state, 'delayed', event).attempt);
    case 'joinReturned':
      expect(state, 'launched', event);
      return joining(task, event.unresolved);
    case 'innerDone':
      return joining(task, expect(state, 'joining', event).unresolved - 1);
    case 'innerFailed':
      expect(state, 'joining', event);
      return settle(task, { kind: 'failed', error: event.error });
    case 'cancelled': {
      const cancelled: TaskState = { kind: 'cancelled', error: event.error };
      return { task: { ...task, state: cancelled }, command: { kind: state.kind === 'launched' ? 'abort' : 'settle' } };
    }
  }
}

function onDependencyDone(task: Task, state: { unresolved: number }): Transition {
  if (state.unresolved > 1) return { task: { ...task, state: { kind: 'waiting', unresolved: state.unresolved - 1 } } };
  return launch(task, 1);
}

function onAttemptFailed(task: Task, event: TaskEvent & { kind: 'attemptFailed' }): Transition {
  if (task.state.kind === 'joining') return settle(task, { kind: 'failed', error: event.error });
  const { attempt } = expect(task.state, 'launched', event);
  if (event.class === 'app' && task.retriesLeft > 0) {
    return again({ ...task, retriesLeft: task.retriesLeft - 1 }, attempt + 1, event.delayMs);
  }
  if (event.class === 'infrastructure' && task.infrastructureRetriesLeft > 0) {
    const infrastructureRetriesLeft = task.infrastructureRetriesLeft - 1;
    return again({ ...task, infrastructureRetriesLeft }, attempt + 1, event.delayMs);
  }
  return settle(task, { kind: 'failed', error: event.error });
}

function again(task: Task, attempt: number, delayMs: number): Transition {
  if (delayMs === 0) return launch(task, attempt);
  return { task: { ...task, state: { kind: 'delayed', attempt } }, command: { kind: 'launchLater', attempt, delayMs } };
}

function launch(task: Task, attempt: number): Transition {
  return { task: { ...task, state: { kind: 'launched', attempt } }, command: { kind: 'launch', attempt } };
}

function joining(task: Task, unresolved: number): Transition {
  const next: Task = { ...task, state: { kind: 'joining', unresolved } };
  return unresolved === 0 ? { task: next, command: { kind: 'collectJoin' } } : { task: next };
}

function settle(task: Task, state: TaskState): Transition {
  return { task: { ...task, state }, command: { kind: 'settle' } };
}

function expect<K extends TaskState['kind']>(state: TaskState, kind: K, event: TaskEvent): TaskState & { kind: K } {
  if (state.kind === kind) return state as TaskState & { kind: K };
  throw new Error(`kernel defect: ${event.kind} cannot happen to a task that is ${state.kind}`);
}
