import { hostname } from 'node:os';
import { VERSION } from '../version.js';
import type { KeptFiles, ManagerRegistration } from '../wire/pilot/messages.js';
import type { NodePlan } from './node-plan.js';
import type { DetectedNode } from './node-resources.js';

/** What a manager knows of itself when it starts. */
export interface ManagerSelf {
  readonly id: string;
  readonly blockId: string;
  readonly node: DetectedNode;
  readonly plan: NodePlan;
  readonly packages: Readonly<Record<string, string>>;
}

/** And what changes. */
export interface ManagerMoment {
  readonly prefetch: number;
  /** Absent where the block has no end. */
  readonly remainingMs: number | undefined;
  readonly holding: readonly number[];
  /** URL at which it serves its cached inputs; absent where it does not. */
  readonly peer: string | undefined;
  readonly kept: KeptFiles | undefined;
}

/** What a manager says of itself to an interchange. */
export function registrationOf(
  { id, blockId, node, plan, packages }: ManagerSelf,
  { prefetch, remainingMs, holding, peer, kept }: ManagerMoment,
): ManagerRegistration {
  return {
    id,
    blockId,
    host: hostname(),
    pid: process.pid,
    sluice: VERSION,
    node: process.version,
    packages,
    slots: plan.workers.length,
    share: plan.share,
    prefetch,
    cores: node.cores,
    memoryMiB: node.memoryMiB,
    accelerators: plan.accelerators,
    ...(remainingMs !== undefined && { remainingMs }),
    ...(peer !== undefined && { peer }),
    ...(kept !== undefined && kept.files > 0 && { kept }),
    holding,
  };
}
