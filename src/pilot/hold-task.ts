import { SluiceError } from '../errors.js';
import { taskIdOf } from '../wire/pilot/envelope-parts.js';
import type { PilotTask } from '../wire/pilot/pilot-task.js';
import { slotsFor } from '../wire/pilot/slots.js';
import type { AppCodes } from './app-codes.js';
import type { HeldTask } from './dispatch-messages.js';
import type { NodePlan } from './node-plan.js';

/** What a task is judged by when it comes. */
export interface HoldParts {
  readonly plan: NodePlan;
  readonly codes: AppCodes;
}

/** A task that has come, as the dispatcher takes it. @param variables of the task alone */
export function holdTask(task: PilotTask, variables: HeldTask['variables'], { plan, codes }: HoldParts): HeldTask {
  const { needs, parts, code } = task;
  const slots = slotsFor(needs, plan.share);
  const isPlain = needs?.walltimeMs === undefined && needs?.memoryMiB === undefined && parts.length === 1;
  const mayShare = isPlain && slots === 1 && variables === undefined && codes.appOf(code).kind === 'function';
  return { task, slots, mayShare, variables, isCancelled: false, expectedMs: 0, sequence: 0, worker: -1 };
}

/** Why a task can never run here; `undefined` where it can. */
export function refusalOf({ code, needs, parts }: PilotTask, { plan, codes }: HoldParts): SluiceError | undefined {
  if (!codes.has(code)) {
    return new SluiceError('PROTOCOL', `task ${taskIdOf(parts)} came before the code of its app (number ${code})`);
  }
  const { workers, share } = plan;
  if (slotsFor(needs, share) <= workers.length) return undefined;
  const { walltimeMs, near, ...wanted } = needs ?? {};
  return new SluiceError(
    'RESOURCES_NOT_HONOURED',
    `task ${taskIdOf(parts)} '${codes.nameOf(code)}' asks for ${JSON.stringify(wanted)}, more than ` +
      `${workers.length} times ${JSON.stringify(share)}, which is all this node has`,
  );
}
