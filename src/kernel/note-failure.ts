import type { AppFuture } from './app-future.js';
import { rootOf } from './dependency-errors.js';
import { logsOf } from './envelope-of.js';
import type { KernelParts } from './kernel-parts.js';
import type { TaskRecord } from './task-record.js';
import type { UnseenFailures } from './unseen-failures.js';

/** A task has failed: notes it as unseen, unless somebody looks at it or another one's failure is what it passes on. */
export function noteFailure(record: TaskRecord, unseen: UnseenFailures, parts: KernelParts): void {
  const { task, taskId, request, future, executor } = record;
  if (task.state.kind !== 'failed') return;
  const { error, attempts } = task.state;
  const root = rootOf(error);
  if (future.isLookedAt) root?.look();
  else if (root === undefined) {
    const logs = () => logsOf(record, parts);
    unseen.add(taskId, () => ({ taskId, appName: request.appName, error, attempts, executor, logs: logs() }));
  }
}

/** Somebody looks at the failure of a task for the first time. */
export function failureSeen(future: AppFuture<unknown>, error: unknown, unseen: UnseenFailures): void {
  const root = rootOf(error);
  if (root === undefined) unseen.remove(future.taskId);
  else root.look();
}
