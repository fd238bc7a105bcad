import type { SlotsGrant } from '../wire/worker/worker-message.js';
import type { HeldTask } from './dispatch-messages.js';
import type { NodePlan } from './node-plan.js';
import { shareVariables } from './worker-environment.js';

/** What a task gets beyond its worker's own share: that of all its slots, and variables of its own. */
export function grantOf(
  slots: readonly number[],
  own: HeldTask['variables'],
  { workers }: Pick<NodePlan, 'workers'>,
): SlotsGrant | undefined {
  if (slots.length === 1) return own && { variables: own };
  const shares = slots.map((rank) => workers[rank] as NodePlan['workers'][number]);
  const accelerators = shares.flatMap((share) => share.accelerators);
  if (shares.some((share) => share.cores === undefined))
    return { variables: { ...shareVariables({ accelerators }), ...own } };
  const cores = shares.flatMap((share) => share.cores ?? []);
  return { variables: { ...shareVariables({ cores, accelerators }), ...own }, cores: cores.join(',') };
}
