import { SluiceError } from '../../errors.js';
import type { Executor } from '../../executors/executor.js';
import { eligibleExecutors } from '../eligible-executors.js';
import type { KernelParts } from '../kernel-parts.js';
import type { TaskRecord } from '../task-record.js';

/** The executor of an attempt, by the kernel's routing policy. @throws {SluiceError} `UNKNOWN_LABEL` when it chose none there is */
export function chooseExecutor(record: TaskRecord, attempt: number, parts: KernelParts): Executor {
  const { request, executor: lastExecutor } = record;
  const eligible = eligibleExecutors(parts.executors, request);
  const candidates = parts.retry?.elsewhere === true ? elsewhere(eligible, lastExecutor) : eligible;
  const label: unknown = parts.routing.choose(candidates, { appName: request.appName, attempt, lastExecutor });
  const chosen = candidates.find((candidate) => candidate.label === label);
  if (chosen !== undefined) return chosen;
  const labels = candidates.map((candidate) => `'${candidate.label}'`).join(', ');
  throw new SluiceError(
    'UNKNOWN_LABEL',
    `the routing policy chose '${String(label)}' for task ${record.taskId} '${request.appName}': choose must return one of ${labels}`,
  );
}

function elsewhere(eligible: readonly Executor[], last: string | undefined): readonly Executor[] {
  const others = eligible.filter((executor) => executor.label !== last);
  return others.length === 0 ? eligible : others;
}
