import type { NodePlan } from './node-plan.js';
import type { DetectedNode } from './node-resources.js';
import type { PilotMeans } from './pilot-contract.js';

/** What a manager is made of, besides its configuration. */
export interface ManagerParts extends PilotMeans {
  readonly node: DetectedNode;
  readonly plan: NodePlan;
  readonly packages: Readonly<Record<string, string>>;
  /** Of the block, for MPI. */
  readonly nodes: readonly string[] | undefined;
}
