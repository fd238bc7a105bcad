import { type Dependency, taskOf } from './dependency.js';
import { dependencyError, joinError } from './dependency-errors.js';
import type { Settlement } from './settlement.js';
import type { TaskEvent } from './task.js';
import type { JoinTemplate, TaskRecord } from './task-record.js';

type Post = (record: TaskRecord, event: TaskEvent) => void;

/** Posts how each thing ends that the task waits for; that nothing is missing, when it waits for none. */
export function followDependencies(record: TaskRecord, post: Post): void {
  const { dependencies } = record.call;
  if (dependencies.length === 0) post(record, DEPENDENCY_DONE);
  for (const dependency of dependencies) {
    taskOf(dependency).onSettled((settlement) => post(record, dependencyEvent(record, dependency, settlement)));
  }
}

/** Posts how each future ends that the body of a join returned. */
export function followInner(record: TaskRecord, inner: JoinTemplate, post: Post): void {
  for (const dependency of inner.dependencies) {
    taskOf(dependency).onSettled((settlement) => {
      if (settlement.kind === 'value') post(record, INNER_DONE);
      else post(record, { kind: 'innerFailed', error: joinError(record.future, dependency, settlement.error) });
    });
  }
}

const DEPENDENCY_DONE: TaskEvent = { kind: 'dependencyDone' };
const INNER_DONE: TaskEvent = { kind: 'innerDone' };

function dependencyEvent(record: TaskRecord, dependency: Dependency, settlement: Settlement): TaskEvent {
  if (settlement.kind === 'value') return DEPENDENCY_DONE;
  if (settlement.cancelled) return { kind: 'cancelled', error: settlement.error };
  return { kind: 'dependencyFailed', error: dependencyError(record.future, dependency, settlement.error) };
}
