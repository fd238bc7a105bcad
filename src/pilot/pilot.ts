import { SluiceError } from '../errors.js';
import { VERSION } from '../version.js';
import { PILOT_PROTOCOL } from '../wire/pilot/messages.js';
import type { PilotConfig } from '../wire/pilot/pilot-config.js';
import { installedPackages } from './installed-packages.js';
import { Manager } from './manager.js';
import { nodesOfBlock } from './mpi/node-list.js';
import { planNode } from './node-plan.js';
import { detectNode } from './node-resources.js';
import type { Pilot, PilotMeans } from './pilot-contract.js';
import { requireTaskset } from './require-taskset.js';

const NODES_MS = 60_000;

/**
 * Starts the manager of a node: its workers, and the link to the interchange.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when the node cannot be shared out as asked, `VERSION_MISMATCH` for a
 *   configuration of another version, and what opening the link throws
 */
export async function startPilot(config: PilotConfig, means: PilotMeans): Promise<Pilot> {
  checkVersion(config);
  const node = detectNode(means.environment);
  const plan = planNode(node, config);
  if (plan.workers.some(({ cores }) => cores !== undefined)) requireTaskset(config.cpuAffinity);
  const packages = config.sharesFilesystem ? await installedPackages(process.cwd()) : {};
  const nodes = config.mpi && (await nodesOfBlock(means.environment, AbortSignal.timeout(NODES_MS)));
  const manager = new Manager(config, { ...means, node, plan, packages, nodes });
  await manager.start();
  return manager;
}

function checkVersion({ protocol, sluice }: PilotConfig): void {
  if (protocol === PILOT_PROTOCOL && sluice === VERSION) return;
  throw new SluiceError(
    'VERSION_MISMATCH',
    `this node has sluice ${VERSION} (protocol ${PILOT_PROTOCOL}), the client ${sluice} (protocol ${protocol}): ` +
      'bring both to one version',
  );
}
